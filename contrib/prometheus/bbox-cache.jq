# Metrics for the textfile collector of Prometheus' node_exporter, from `bbox-cache list --sizes --json`.
# A metric is missing if it is unknown.

def metric($name; $help; samples):
  [samples | select(.value != null)]
  | if . == [] then empty else
      "# HELP \($name) \($help)", "# TYPE \($name) gauge",
      (.[] | "\($name)\(.labels // "") \(.value)")
    end;

def by_status($statuses):
  . as $items | $statuses[] as $status
  | {labels: "{status=\"\($status)\"}", value: [$items[] | select(.status == $status)] | length};

metric("bbox_cache_images"; "Images in the cache.";
  .images | by_status(["live", "unreplaced", "orphan", "unknown"])),
metric("bbox_cache_layers"; "Layers in the cache.";
  .layers | by_status(["referenced", "unreferenced", "unknown"])),
metric("bbox_cache_leftovers"; "Leftovers of pulls and collections."; {value: .leftovers | length}),
metric("bbox_cache_size_bytes"; "Bytes on disk, each shared one once."; {value: .totals.usage.on_disk_bytes}),
metric("bbox_cache_reclaimable_bytes"; "Bytes that gc would certainly free.";
  {value: .totals.reclaimable_bytes.certain}),
metric("bbox_cache_layers_reclaimable_bytes"; "Bytes that gc --layers would certainly free besides.";
  {value: .totals.layers_reclaimable_bytes.certain}),
metric("bbox_cache_warnings"; "Warnings: what could not be read, and what is odd."; {value: .warnings | length})

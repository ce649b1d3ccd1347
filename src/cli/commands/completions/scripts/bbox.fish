# Completion of NAME for fish.
function _FUNCTION
    VARIABLE=fish PROGRAM -- (commandline --current-process --tokenize --cut-at-cursor) \
        (commandline --current-token --cut-at-cursor) 2>/dev/null
end
complete --command NAME --keep-order --exclusive --arguments '(_FUNCTION)'

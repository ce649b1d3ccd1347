#compdef NAME
# Completion of NAME for zsh.
_FUNCTION() {
    local reply
    local -a replies values directories
    replies=("${(@f)$(VARIABLE=zsh PROGRAM -- "${(@)words[1,CURRENT]}" 2>/dev/null)}")
    for reply in $replies; do
        case $reply in
            */) directories+=("${reply%/}") ;;
            *) values+=("$reply") ;;
        esac
    done
    (( $#directories )) && _describe -V directory directories -S / -q
    (( $#values )) && _describe -V value values
}
if [[ $funcstack[1] == _NAME ]]; then
    _FUNCTION "$@"
else
    compdef _FUNCTION NAME
fi

# Values that the tree or the node knows. `pq completions values -- WORDS` lists those for the last word, one per line.
_pq_values() {
    local -a values
    values=("${(@f)$(command pq completions values -- "${(@Q)words[2,CURRENT]}" 2>/dev/null)}")
    if [[ -n $values[1] ]]; then
        compadd -a values
    else
        _pq "$@"
    fi
}
compdef _pq_values pq
# The script may be the body of an autoloaded function, of which this is the first call.
if [[ "$funcstack[1]" = _pq ]]; then _pq_values "$@"; fi

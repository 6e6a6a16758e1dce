# Values that the tree or the node knows. `pq completions values -- WORDS` lists those for the last word, one per line.
_pq_values() {
    local value
    COMPREPLY=()
    while IFS= read -r value; do
        COMPREPLY+=("$(printf %q "$value")")
    done < <(command pq completions values -- "${COMP_WORDS[@]:1:COMP_CWORD}" 2>/dev/null)
    ((${#COMPREPLY[@]})) || _pq "$@"
}
complete -F _pq_values -o bashdefault -o default pq

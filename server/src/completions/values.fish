# Values that the tree or the node knows. `pq completions values -- WORDS` lists those for the last word, one per line.
function __pq_values
    set -l words (commandline -opc) "$(commandline -ct)"
    command pq completions values -- $words[2..] 2>/dev/null
end
complete -c pq -a "(__pq_values)"

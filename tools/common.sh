# What the scripts in tools/ share; sourced by bash.

rust_min=1.95

say() { printf 'ward: %s\n' "$1" >&2; }

# The first argument on a line of its own, more of them below.
die() {
    printf '%s\n' "ward: $1" "${@:2}" >&2
    exit 1
}

# Sets `cargo` to a cargo of version $rust_min or newer; fails when there is none.
find_cargo() {
    local candidate version
    for candidate in "${CARGO:-cargo}" "${CARGO_HOME:-$HOME/.cargo}/bin/cargo" /usr/bin/cargo; do
        version=$("$candidate" --version 2>/dev/null) || continue
        version=${version#cargo }
        printf '%s\n' "$rust_min" "${version%% *}" | sort -V -C || continue
        cargo=$candidate
        return 0
    done
    return 1
}

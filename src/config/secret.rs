//! Which values of an environment are secret, by their names, and what is shown instead.

/// What stands in the place of a secret.
pub const MASK: &str = "***";

/// Parts of a variable's name that make its value a secret.
const MARKS: [&str; 9] =
    ["KEY", "TOKEN", "SECRET", "PASSWORD", "PASSWD", "AUTH", "CREDENTIAL", "HEADERS", "COOKIE"];

/// The value as it may be shown.
pub(super) fn masked(name: &str, value: &str) -> String {
    secret_parts(name, value)
        .iter()
        .fold(value.to_owned(), |shown, secret| shown.replace(secret.as_str(), MASK))
}

/// The secrets in a value: all of it if the name says so, else what stands between `://` and `@` in an address.
pub(super) fn secret_parts(name: &str, value: &str) -> Vec<String> {
    let name = name.to_ascii_uppercase();
    if MARKS.iter().any(|mark| name.contains(mark)) && !is_plain(value) {
        return vec![value.to_owned()];
    }
    value
        .split_whitespace()
        .filter_map(|word| word.split_once("://"))
        .filter_map(|(_, rest)| rest.split(['/', '?', '#']).next())
        .filter_map(|authority| authority.rsplit_once('@'))
        .map(|(user_info, _)| user_info.to_owned())
        .filter(|user_info| !user_info.is_empty())
        .collect()
}

/// A number or a switch is no secret, whatever its name (`CLAUDE_CODE_MAX_OUTPUT_TOKENS=32000`).
fn is_plain(value: &str) -> bool {
    let short_number = value.len() <= 10 && value.bytes().all(|byte| byte.is_ascii_digit());
    short_number || matches!(value, "true" | "false")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_and_addresses_are_masked_but_numbers_are_not() {
        for (name, value, shown) in [
            ("ANTHROPIC_API_KEY", "sk-ant-1", "***"),
            ("anthropic_auth_token", "abc", "***"),
            ("ANTHROPIC_CUSTOM_HEADERS", "Authorization: Bearer x", "***"),
            ("CLAUDE_CODE_MAX_OUTPUT_TOKENS", "32000", "32000"),
            ("HTTPS_PROXY", "http://me:pass@proxy:3128/x", "http://***@proxy:3128/x"),
            ("ANTHROPIC_BASE_URL", "https://gateway.example.org/a@b", "https://gateway.example.org/a@b"),
            ("EMPTY_KEY", "", ""),
        ] {
            assert_eq!(masked(name, value), shown, "{name}");
        }
    }
}

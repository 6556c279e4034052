//! Paths as texts: nothing here looks at a disk.

use globset::{GlobBuilder, GlobMatcher};

/// The absolute form of a path, without `.` and `..`; `~` stays where the home is not known.
pub(super) fn absolute(path: &str, dir: &str, home: Option<&str>) -> String {
    let path = match (path.strip_prefix('~'), home) {
        (Some(rest), Some(home)) if rest.is_empty() || rest.starts_with('/') => format!("{home}{rest}"),
        (Some(_), _) => path.to_owned(),
        (None, _) if path.starts_with('/') => path.to_owned(),
        (None, _) => format!("{dir}/{path}"),
    };
    let mut parts: Vec<&str> = Vec::new();
    for part in path.split('/') {
        match part {
            "" | "." => {}
            ".." => {
                parts.pop();
            }
            part => parts.push(part),
        }
    }
    if path.starts_with('~') { parts.join("/") } else { format!("/{}", parts.join("/")) }
}

/// A pattern of the CLI for files, as those of gitignore: `//x` from the root, `~/x` from home, `/x`, `./x` and `a/x`
/// from the project, `x` at any depth below it. A directory stands for all that is in it.
pub(super) fn file_patterns(pattern: &str, dir: &str, home: Option<&str>) -> Vec<GlobMatcher> {
    let rooted = if let Some(path) = pattern.strip_prefix("//") {
        format!("/{path}")
    } else if let Some(path) = pattern.strip_prefix("~/") {
        match home {
            Some(home) => format!("{}/{path}", escaped(home)),
            None => format!("~/{path}"),
        }
    } else if let Some(path) = pattern.strip_prefix("./").or_else(|| pattern.strip_prefix('/')) {
        format!("{}/{path}", escaped(dir))
    } else if pattern.trim_end_matches('/').contains('/') {
        format!("{}/{pattern}", escaped(dir))
    } else {
        format!("{}/**/{pattern}", escaped(dir))
    };
    // A search in a directory reads all that is in it, so `a/**` covers `a`.
    let rooted = rooted.trim_end_matches('/').trim_end_matches("/**");
    [rooted.to_owned(), format!("{rooted}/**")].iter().filter_map(|glob| compiled(glob)).collect()
}

fn compiled(glob: &str) -> Option<GlobMatcher> {
    GlobBuilder::new(glob).literal_separator(true).build().ok().map(|glob| glob.compile_matcher())
}

fn escaped(path: &str) -> String {
    globset::escape(path)
}

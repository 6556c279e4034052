//! Claude's markdown → the markdown that Discord shows.

/// The same document in the dialect that Discord renders.
pub fn discord_markdown(markdown: &str) -> String {
    markdown.replace("\r\n", "\n")
}

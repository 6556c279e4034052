//! The files of the page, part of the binary. A new file in `web/` needs its name here; a test compares.

use axum::extract::Path;
use axum::http::{StatusCode, header};
use axum::response::{IntoResponse, Response};

macro_rules! assets {
    ($($name:literal),* $(,)?) => {
        /// Names and contents.
        pub(super) const ASSETS: &[(&str, &str)] = &[$(($name, include_str!(concat!("../web/", $name)))),*];
    };
}

assets![
    "actions.js",
    "api.js",
    "app.js",
    "chat.js",
    "components.js",
    "composer.js",
    "controls.css",
    "dom.js",
    "embeds.js",
    "format.js",
    "highlight.js",
    "index.html",
    "lists.js",
    "markdown.js",
    "mentions.js",
    "menus.js",
    "message.js",
    "messages.css",
    "sidebar.js",
    "slash.js",
    "store.js",
    "style.css",
    "suggest.js",
];

pub(super) async fn index() -> Response {
    serve("index.html")
}

pub(super) async fn asset(Path(name): Path<String>) -> Response {
    serve(&name)
}

fn serve(name: &str) -> Response {
    let Some((_, content)) = ASSETS.iter().find(|(known, _)| *known == name) else {
        return (StatusCode::NOT_FOUND, "There is no such file.").into_response();
    };
    let kind = match name.rsplit_once('.').map(|(_, end)| end) {
        Some("js") => "text/javascript; charset=utf-8",
        Some("css") => "text/css; charset=utf-8",
        Some("svg") => "image/svg+xml",
        _ => "text/html; charset=utf-8",
    };
    ([(header::CONTENT_TYPE, kind)], *content).into_response()
}

#[cfg(test)]
mod tests {
    use super::ASSETS;

    #[test]
    fn every_file_is_served() {
        let dir = concat!(env!("CARGO_MANIFEST_DIR"), "/src/playground/web");
        let mut files: Vec<_> = std::fs::read_dir(dir)
            .unwrap()
            .map(|file| file.unwrap().file_name().into_string().unwrap())
            .collect();
        files.sort();
        let mut names: Vec<_> = ASSETS.iter().map(|(name, _)| (*name).to_owned()).collect();
        names.sort();
        assert_eq!(names, files);
    }
}

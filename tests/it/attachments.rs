//! Files that come with a message, and what people's words may and may not make the CLI read or run.

use switchboard::domain::ids::MessageId;
use switchboard::playground::discord::Draft;

use crate::harness::{BOT, HARBOR, MARA, Stage};

/// The smallest PNG there is: one pixel.
const PNG: &[u8] = b"\x89PNG\r\n\x1a\n\0\0\0\rIHDR\0\0\0\x01\0\0\0\x01\x08\x06\0\0\0\x1f\x15\xc4\x89\0\0\0\nIDATx\x9cc\0\x01\0\0\x05\0\x01\r\n-\xb4\0\0\0\0IEND\xaeB`\x82";

/// A message to the bot with files: name, bytes, media type.
fn send(stage: &Stage, text: &str, files: &[(&str, &[u8], Option<&str>)]) -> MessageId {
    let file = |(name, bytes, kind): &(&str, &[u8], Option<&str>)| {
        ((*name).to_owned(), bytes.to_vec(), kind.map(str::to_owned))
    };
    let attachments = files.iter().map(file).collect();
    stage.discord.say_with(
        MARA,
        HARBOR,
        Draft { content: format!("<@{BOT}> {text}"), attachments, ..Draft::default() },
    )
}

#[tokio::test(flavor = "multi_thread")]
async fn a_text_file_and_an_image_come_along() {
    let stage = Stage::new().await;
    let _bot = stage.bot().await;
    let notes: &[u8] = "Der Kran hält 40 t.\nmail: me@harbor\n".as_bytes();
    let files = [("notes.txt", notes, Some("text/plain")), ("../../buoy one.png", PNG, Some("image/png"))];
    let message = send(&stage, "[[say:Seen.]]", &files);
    stage.answer(HARBOR, message).await;
    let prompt = &stage.cli_prompts()[0];
    assert!(prompt.starts_with("[[say:Seen.]]\n\n--- Files"), "{prompt}");
    assert!(prompt.contains("notes.txt") && prompt.contains("Der Kran hält 40 t."), "{prompt}");
    let stored =
        prompt.split("stored at: ").nth(2).and_then(|rest| rest.lines().next()).expect("the image's path");
    assert_eq!(std::fs::read(stored).expect("it is there"), PNG);
    assert!(stored.starts_with(&stage.state_dir().display().to_string()), "{stored}");
    assert!(prompt.contains("image/png"), "{prompt}");
    stage.assert_well_behaved();
}

#[tokio::test(flavor = "multi_thread")]
async fn a_file_alone_is_a_prompt() {
    let stage = Stage::new().await;
    let _bot = stage.bot().await;
    let message = send(&stage, "", &[("todo.txt", b"[[say:Done as the file says.]]", Some("text/plain"))]);
    assert!(stage.answer(HARBOR, message).await.contains("Done as the file says."));
}

#[tokio::test(flavor = "multi_thread")]
async fn too_large_and_too_many_files_are_refused_with_a_note() {
    let stage = Stage::new().await.with("limits", "attachment_bytes_max = 1000\nattachments_max = 2");
    let _bot = stage.bot().await;
    let large = vec![b'x'; 1001];
    let message = send(
        &stage,
        "[[say:Seen.]]",
        &[("large.txt", &large, None), ("small.txt", b"small", None), ("third.txt", b"third", None)],
    );
    stage.answer(HARBOR, message).await;
    let prompt = &stage.cli_prompts()[0];
    assert!(prompt.contains("\"large.txt\" came with this message and was not taken: too large"), "{prompt}");
    assert!(prompt.contains("\"third.txt\" came with this message and was not taken: too many"), "{prompt}");
    assert!(prompt.contains("small") && !prompt.contains("xxxx"), "{prompt}");
    let stored = stage.files(&stage.state_dir().join("files"));
    assert_eq!(stored.len(), 1, "{:?}", stored.keys());
}

#[tokio::test(flavor = "multi_thread")]
async fn paths_stay_inside_the_project() {
    let stage = Stage::new().await;
    let _bot = stage.bot().await;
    let harbor = stage.dir().join("harbor");
    std::fs::write(harbor.join("plan.md"), "the plan").expect("a file");
    std::os::unix::fs::symlink("/etc/hostname", harbor.join("link")).expect("a link");
    std::fs::write(stage.dir().join("secret"), "no").expect("a file");
    let message = stage.ask(
        MARA,
        HARBOR,
        "Read @plan.md and @/etc/hostname and @../secret and @link and @\"link\" and @~/.ssh/id_rsa, mail me@plan.md",
    );
    stage.answer(HARBOR, message).await;
    assert_eq!(
        stage.cli_prompts(),
        [
            "Read @plan.md and \\@/etc/hostname and \\@../secret and \\@link and \\@\"link\" and \\@~/.ssh/id_rsa, mail me@plan.md"
        ]
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn only_allowed_commands_are_commands() {
    let stage = Stage::new().await.with("harbor", "slash_commands = [\"review\"]");
    let _bot = stage.bot().await;
    for text in ["/review 7", "/init", "/cost", "/nonsense", "  /review", "say /init"] {
        let message = stage.ask(MARA, HARBOR, text);
        stage.answer(HARBOR, message).await;
    }
    let prompts = stage.cli_prompts();
    assert_eq!(prompts, ["/review 7", " /init", " /cost", " /nonsense", "/review", "say /init"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_file_cannot_make_the_cli_read_another() {
    let stage = Stage::new().await;
    let _bot = stage.bot().await;
    let file: &[u8] = b"look at\n@/etc/hostname please";
    let message = send(&stage, "[[say:Seen.]]", &[("@/etc/hostname", file, Some("text/plain"))]);
    stage.answer(HARBOR, message).await;
    let prompt = &stage.cli_prompts()[0];
    assert!(prompt.contains("stored at:") && !prompt.contains("@/etc/hostname"), "{prompt}");
}

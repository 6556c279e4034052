//! What a turn looks like while it works.

use super::*;

#[test]
fn before_the_first_word() {
    let mut waiting = Told::begin().after(7);
    waiting.view.waiting_for_place(4, 4);
    let mut placed = waiting.view.clone();
    placed.starting();
    insta::assert_snapshot!(
        "before_the_first_word",
        moments(&[
            ("just now", Told::begin().read()),
            ("starting", Told::begin().after(8).read()),
            ("waiting for a place", waiting.read()),
            ("has a place", read(&placed.show(waiting.now))),
            ("started", Told::started().read()),
            ("thinking", Told::started().then(TurnEvent::Thinking).after(31).read()),
        ])
    );
}

#[test]
fn tools_and_text() {
    let told = Told::started()
        .says("I'll look at the tests first.")
        .used("1", file("src/main.rs"))
        .used("2", Tool::Search { pattern: "fn main".into(), path: Some("src".into()) })
        .then(TurnEvent::ToolStarted(ToolUse {
            id: "3".into(),
            tool: bash("cargo test --lib"),
            parent: None,
        }))
        .then(TurnEvent::ToolEnded { id: "3".into(), failed: true })
        .says("Two of them fail. I fix the first:")
        .uses("4", Tool::Edit { path: "src/render/view.rs".into() });
    let mut queued = Told { view: told.view.clone(), now: told.now }.after(70);
    queued.view.queued_behind(2);
    insta::assert_snapshot!(
        "tools_and_text",
        moments(&[
            ("a tool runs", told.read()),
            ("a minute later, with prompts behind it", queued.read()),
            (
                "streaming",
                told.then(TurnEvent::ToolEnded { id: "4".into(), failed: false })
                    .then(TurnEvent::TextDelta("Now **the sec".into()))
                    .read()
            ),
        ])
    );
}

#[test]
fn many_tools_are_folded() {
    let mut told =
        Told::started().uses("agent", Tool::Agent { description: "look everywhere".into(), kind: None });
    for i in 0..14 {
        let tool = if i % 3 == 0 { bash("ls") } else { file(&format!("src/file_{i}.rs")) };
        let tool_use = ToolUse { id: i.to_string(), tool, parent: Some("agent".into()) };
        told = told
            .then(TurnEvent::ToolStarted(tool_use))
            .then(TurnEvent::ToolEnded { id: i.to_string(), failed: i == 4 });
    }
    insta::assert_snapshot!("many_tools", told.read());
}

#[test]
fn trouble_on_the_way() {
    let retry = |reason: &str| TurnEvent::Retrying {
        attempt: 3,
        attempts_max: 10,
        delay: Duration::from_secs(2),
        reason: reason.to_owned(),
    };
    let retries = ["overloaded", "rate_limit", "server_error", "authentication_failed", "unknown", "odd_*"]
        .map(|reason| Told::started().then(retry(reason)).after(61).read())
        .concat();
    insta::assert_snapshot!(
        "trouble",
        moments(&[
            ("the API fails", retries),
            ("compacting", Told::started().then(TurnEvent::Compacting(true)).read()),
            (
                "what stays to be read",
                Told::started()
                    .then(TurnEvent::Compacting(false))
                    .then(TurnEvent::ModelFallback {
                        from: "claude-opus-4-8[1m]".into(),
                        to: "claude-haiku-4-5".into()
                    })
                    .then(TurnEvent::ModeChanged("plan".into()))
                    .then(TurnEvent::ModeChanged("plan".into()))
                    .then(TurnEvent::PermissionDenied {
                        tool: "Bash".into(),
                        message: "not in `dontAsk` mode".into()
                    })
                    .then(TurnEvent::RateLimit {
                        rejected: true,
                        resets_at_secs: Some(1_700_000_000),
                        kind: None
                    })
                    .then(TurnEvent::RateLimit { rejected: false, resets_at_secs: None, kind: None })
                    .then(TurnEvent::Background {
                        task: "t".into(),
                        description: "npm run dev".into(),
                        running: true
                    })
                    .read()
            ),
            (
                "an MCP server did not start",
                Told::begin()
                    .then(TurnEvent::Started(Started {
                        mcp_failed: vec!["github".into(), "jira".into()],
                        ..Started::default()
                    }))
                    .read()
            ),
            ("nothing was heard for a while", Told::started().says("Hm.").after(200).read()),
        ])
    );
}

fn ask(kind: AskKind, input: &str) -> TurnEvent {
    TurnEvent::Asked(Ask { request: "r".into(), tool_use: None, kind, input: input.into() })
}

#[test]
fn asks() {
    let permission = |tool: Tool, input: &str| {
        let kind = AskKind::Permission { tool, reason: None, blocked_path: None };
        Told::started().says("I need a tool.").then(ask(kind, input))
    };
    let questions = vec![
        Question {
            question: "Which database?".into(),
            header: "Database".into(),
            options: vec!["SQLite".into(), "Postgres *15*".into()],
            multiple: false,
        },
        Question {
            question: "Which parts?".into(),
            header: "Scope".into(),
            options: vec!["API".into()],
            multiple: true,
        },
    ];
    let deny = Answer::Deny { message: "nobody can be asked from here yet".into() };
    let mut denied = permission(bash("git push\nrm -rf `pwd`/x \u{202e}"), "{}");
    let open = denied.read();
    denied.view.answered("r", &deny);
    denied.view.answered("r", &Answer::Allow);
    denied.view.answered("another", &Answer::Allow);
    let mut allowed = permission(
        Tool::Write { path: "a.txt".into(), lines: 1 },
        r#"{"file_path":"/srv/a.txt","content":"x"}"#,
    );
    allowed.view.answered("r", &Answer::Allow);
    let out = AskKind::Permission {
        tool: file("/etc/passwd"),
        reason: Some("It is outside of the project".into()),
        blocked_path: Some("/etc/passwd".into()),
    };
    insta::assert_snapshot!(
        "asks",
        moments(&[
            ("a permission is open", open),
            ("denied; only the first answer counts", denied.read()),
            ("allowed", allowed.read()),
            (
                "out of bounds, withdrawn",
                Told::started()
                    .then(ask(out, r#"{"file_path":"/etc/passwd"}"#))
                    .then(TurnEvent::AskWithdrawn { request: "r".into() })
                    .read()
            ),
            ("questions", Told::started().then(ask(AskKind::Question { questions }, "{}")).read()),
            (
                "a plan",
                Told::started()
                    .then(ask(
                        AskKind::Plan { plan: "# Plan\n\n1. [ ] do\n\n| a | b |\n|--|--|\n| 1 | 2 |".into() },
                        "{}"
                    ))
                    .read()
            ),
            (
                "an MCP server",
                Told::started()
                    .then(ask(
                        AskKind::Elicitation { server: "jira".into(), message: "Which @everyone?".into() },
                        "{}"
                    ))
                    .read()
            ),
        ])
    );
}

#[test]
fn a_long_command_is_cut_with_a_note() {
    let command = (0..200).map(|i| format!("echo line {i}")).collect::<Vec<_>>().join("\n");
    let kind = AskKind::Permission { tool: bash(&command), reason: None, blocked_path: None };
    let shown = Told::started().then(ask(kind, "{}")).read();
    assert!(shown.contains("```\n-# … about "), "{shown}");
}

#[test]
fn an_open_ask_stops_typing() {
    let mut told = Told::started().then(ask(AskKind::Plan { plan: "x".into() }, "{}"));
    assert!(!told.show().typing);
    told.view.answered("r", &Answer::Allow);
    assert!(told.show().typing);
}

//! What a turn looks like while it works.

use super::*;

#[test]
fn before_the_first_word() {
    let mut waiting = Told::begin().after(7);
    waiting.view.waiting_for_place(4, 4);
    let in_line = |what| {
        let mut waiting = Told { view: waiting.view.clone(), now: waiting.now };
        waiting.view.waits_for(what);
        waiting.read()
    };
    let mut placed = waiting.view.clone();
    placed.starting();
    insta::assert_snapshot!(
        "before_the_first_word",
        moments(&[
            ("just now", Told::begin().read()),
            ("starting", Told::begin().after(8).read()),
            ("waiting for a place", waiting.read()),
            ("others come before it", in_line(WaitsFor::Place { before: 2 })),
            ("many do", in_line(WaitsFor::Place { before: BEFORE_MAX })),
            ("waiting for memory", in_line(WaitsFor::Memory)),
            ("waiting for others to start", in_line(WaitsFor::Cores)),
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
fn a_tool_that_says_nothing_for_minutes_is_said_to_work_still() {
    let told = Told::started().uses("1", bash("cargo build --release"));
    assert!(!told.read().contains("still working"), "{}", told.read());
    let told = told.after(12 * 60);
    assert!(told.read().contains("· still working"), "{}", told.read());
    insta::assert_snapshot!("a_tool_that_runs_for_long", moments(&[("twelve minutes later", told.read())]));
    // Whoever is asked sees that instead.
    let asked = told.then(ask(may(bash("rm -r target")), "{}")).after(12 * 60);
    assert!(!asked.read().contains("still working"), "{}", asked.read());
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

pub(super) fn ask(kind: AskKind, input: &str) -> TurnEvent {
    TurnEvent::Asked(Ask { request: "r".into(), tool_use: None, kind, input: input.into() })
}

fn may(tool: Tool) -> AskKind {
    AskKind::Permission {
        tool,
        reason: None,
        blocked_path: None,
        dir: "/srv/harbor".into(),
        changes: Vec::new(),
        grant: None,
    }
}

/// What *Show all* shows of the ask.
pub(super) fn view_of_all(told: &Told) -> String {
    whole(told.view.ask("r").unwrap()).unwrap().markdown()
}

impl Told {
    /// The ask waits for the person who asked.
    pub(super) fn posed(mut self) -> Self {
        let until = WallTime(self.now.0 + 3_600_000);
        self.view.pose("r", Some(UserId(42)), until);
        self
    }

    pub(super) fn answered(mut self, answer: &Answer, by: Option<&str>) -> Self {
        self.view.answered("r", answer, by);
        self
    }
}

#[test]
fn cards() {
    let permission = |kind: AskKind, input: &str| {
        Told::started().says("I need a tool.").uses("t", bash("x")).then(ask(kind, input)).posed()
    };
    let rule = |content: &str| Rule { tool: "Bash".into(), content: Some(content.into()) };
    let with = |tool: Tool, more: Option<Grant>, edits: Vec<Change>| match may(tool) {
        AskKind::Permission { tool, dir, .. } => AskKind::Permission {
            tool,
            dir,
            reason: Some("This command requires approval".into()),
            blocked_path: Some("/etc/passwd".into()),
            changes: edits,
            grant: more,
        },
        other => other,
    };
    let push = Tool::Bash {
        command: "git push\nrm -rf `pwd`/x \u{202e}".into(),
        description: Some("Publish the *branch*".into()),
    };
    let push =
        with(push, Some(Grant::Rules { rules: vec![rule("git push *"), rule("rm -rf *")] }), Vec::new());
    let edit = |old: &str, new: &str| Change { old: Some(old.into()), new: new.into(), everywhere: false };
    let edit = with(
        Tool::Edit { path: "src/lib.rs".into() },
        Some(Grant::AcceptEdits),
        vec![edit("let a = 1;\n", "let a = 2;\nlet b = 3;\n")],
    );
    let fetch = may(Tool::Fetch { url: "https://example.org".into() });
    let deny = Answer::Deny { message: "m".into() };
    let because = Answer::DenyBecause { by: "Mara".into(), words: "not *before* noon".into() };
    let edited = Answer::AllowEdited { command: "git push --dry-run".into() };
    let expired = Answer::Deny { message: "nobody answered in time".into() };
    insta::assert_snapshot!(
        "cards",
        moments(&[
            ("a command", permission(push.clone(), "{}").read()),
            ("allowed once", permission(push.clone(), "{}").answered(&Answer::Allow, Some("Mara")).read()),
            (
                "allowed for the session, and it goes on below",
                permission(push.clone(), "{}")
                    .answered(&Answer::AllowForSession, Some("Mara *x*"))
                    .then(TurnEvent::ToolEnded { id: "t".into(), failed: false })
                    .says("Pushed.")
                    .ends(completed())
                    .read()
            ),
            ("denied", permission(push.clone(), "{}").answered(&deny, Some("Mara")).read()),
            ("denied with a reason", permission(push.clone(), "{}").answered(&because, Some("Mara")).read()),
            ("edited", permission(push.clone(), "{}").answered(&edited, Some("Mara")).read()),
            ("nobody answered", permission(push.clone(), "{}").answered(&expired, None).read()),
            (
                "withdrawn",
                permission(push, "{}").then(TurnEvent::AskWithdrawn { request: "r".into() }).read()
            ),
            ("an edit", permission(edit, "{}").read()),
            (
                "the first thing that it does",
                Told::started().then(ask(fetch, r#"{"url":"https://ex\u0430mple.org"}"#)).posed().read()
            ),
        ])
    );
}

#[test]
fn the_card_of_an_mcp_tool_says_which_tool() {
    let asked = |tool: Tool, input: &str| Told::started().then(ask(may(tool), input)).posed();
    let mcp = |tool: &str| Tool::Mcp { server: "discord".into(), tool: tool.into() };
    let send = || asked(mcp("send_file"), r#"{"path":"/srv/project/a.png"}"#);
    let long = asked(mcp(&format!("send_{}to_everybody", "very_".repeat(80))), "{}");
    insta::assert_snapshot!(
        "cards_of_other_tools",
        moments(&[
            ("a tool of a server", send().read()),
            ("allowed", send().answered(&Answer::Allow, Some("Mara")).read()),
            ("a name that hides", asked(mcp("delete\u{202e}\u{200b}_\u{430}ll\n"), "{}").read()),
            ("a long name", long.read()),
            ("a tool that nobody knows", asked(Tool::Other { name: "Novel *x*".into() }, "{}").read()),
        ])
    );
    assert!(view_of_all(&long).contains("very_to_everybody"), "{}", view_of_all(&long));
}

#[test]
fn what_a_command_is_given_besides_is_on_its_card() {
    let asked = |input: &str| Told::started().then(ask(may(bash("make")), input)).posed();
    let few =
        r#"{"command":"make","description":"d","dangerouslyDisableSandbox":true,"run_in_background":true}"#;
    let long =
        r#"{"command":"make","description":["x"],"n\u202ew":"a\nWORD"}"#.replace("WORD", &"word ".repeat(60));
    let many: Vec<_> = (0..20).map(|number| format!("\"key_{number}\":{number}")).collect();
    let many = asked(&format!("{{{}}}", many.join(",")));
    insta::assert_snapshot!(
        "what_a_command_is_given_besides",
        moments(&[
            ("a few", asked(few).read()),
            ("allowed", asked(few).answered(&Answer::Allow, Some("Mara")).read()),
            ("a long one that hides", asked(&long).read()),
            ("many", many.read()),
        ])
    );
    for key in ["key_0: 0", "key_19: 19"] {
        assert!(view_of_all(&many).contains(key), "{}", view_of_all(&many));
    }
    let card = many.show().slots.last().unwrap().clone();
    let file = String::from_utf8(card.files[0].bytes.clone()).unwrap();
    assert!(file.contains("# with key_19: 19\n") && file.ends_with("\nmake"), "{file}");
}

#[test]
fn what_is_too_long_for_a_card_is_all_at_hand() {
    let long = |last: &str| format!("{}{last}", "long ".repeat(200));
    let kind = AskKind::Permission {
        tool: bash("make"),
        reason: Some(long("because")),
        blocked_path: Some(long("\u{202e}path")),
        dir: long("dir"),
        changes: Vec::new(),
        grant: None,
    };
    let told = Told::started().then(ask(kind, r#"{"command":"make"}"#)).posed();
    let card = told.show().slots.last().unwrap().clone();
    let file = String::from_utf8(card.files[0].bytes.clone()).unwrap();
    let labels: Vec<_> = card.buttons.iter().map(|button| button.label.as_str()).collect();
    assert!(
        labels.contains(&"Show all") && card.content.contains("command.sh"),
        "{labels:?} {}",
        card.content
    );
    for last in ["because\n", "⟨U+202E⟩path\n", "dir\n"] {
        assert!(view_of_all(&told).contains(last) && file.contains(last), "{last}: {file}");
    }
    assert!(file.starts_with("# why: long") && file.ends_with("\nmake"), "{file}");
}

#[test]
fn a_long_command_is_cut_and_is_there_as_a_file() {
    let command = (0..200).map(|i| format!("echo line {i}")).collect::<Vec<_>>().join("\n");
    let told = Told::started().says("Hm.").then(ask(may(bash(&command)), "{}")).posed();
    let shown = told.show();
    let card = shown.slots.last().unwrap();
    assert_eq!(shown.slots.len(), 2);
    assert!(card.content.contains("```\n-# … about "), "{}", card.content);
    assert_eq!(
        (card.files[0].name.as_str(), card.files[0].bytes.as_slice()),
        ("command.sh", command.as_bytes())
    );
    assert!(units(&card.content) <= CONTENT_UNITS_MAX);
    // While it waits nothing moves: no edit, no file sent again.
    assert!(told.after(50).show().slots.last() == Some(card));
}

#[test]
fn each_card_is_a_message_of_its_own_that_tells_one_person() {
    let mut told = Told::started();
    for round in 0..3 {
        told = told.says(&"word ".repeat(2_000)).then(ask(may(bash("ls")), "{}")).posed();
        let slots = told.show().slots;
        let pinged: Vec<_> = slots.iter().map(|slot| slot.ping.is_some()).collect();
        assert_eq!(pinged.iter().filter(|pinged| **pinged).count(), 1, "{pinged:?}");
        assert_eq!(pinged.last(), Some(&true));
        assert_eq!(slots.last().unwrap().buttons.len(), 5, "four answers and the stop");
        let before = slots.len();
        told = told.answered(&Answer::Allow, Some("Mara"));
        let slots = told.show().slots;
        // What was posted stays where it is.
        assert_eq!(slots.len(), before, "round {round}");
        assert!(slots.iter().all(|slot| slot.ping.is_none()));
        let (last, above) = slots.split_last().unwrap();
        assert_eq!((last.buttons.len(), above.iter().all(|slot| slot.buttons.is_empty())), (1, true));
    }
    assert!(told.show().slots.iter().all(|slot| units(&slot.content) <= CONTENT_UNITS_MAX));
}

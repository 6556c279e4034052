//! What a turn looks like when it is over.

use super::*;
use crate::domain::action::{Action, Button};

fn worked() -> Told {
    Told::started()
        .says("Done: it was the *cache*.")
        .used("1", file("a.rs"))
        .used("2", bash("ls"))
        .cost()
        .after(70)
}

#[test]
fn ends() {
    let mut failed = worked().ends(TurnEnd::Failed(Failure::Overloaded));
    failed.view.failed_with(ErrorId("E-7K2M9Q".into()));
    insta::assert_snapshot!(
        "ends",
        moments(&[
            ("completed", worked().ends(completed()).read()),
            ("nothing known of it", Told::begin().ends(TurnEnd::Completed { text: "Hi!".into() }).read()),
            (
                "stopped, and the CLI says that the tool failed",
                worked()
                    .uses("3", bash("cargo test"))
                    .then(TurnEvent::ToolEnded { id: "3".into(), failed: true })
                    .after(20)
                    .uses("4", bash("sleep 100"))
                    .then(TurnEvent::ToolEnded { id: "4".into(), failed: true })
                    .ends(TurnEnd::Interrupted)
                    .read()
            ),
            ("stopped", worked().uses("3", bash("sleep 100")).ends(TurnEnd::Interrupted).read()),
            ("too long", worked().ends(TurnEnd::TimedOut { limit: Limit::Time }).read()),
            ("failed", failed.read()),
            (
                "with background tasks",
                worked()
                    .then(TurnEvent::Background {
                        task: "t".into(),
                        description: "npm run dev".into(),
                        running: true
                    })
                    .then(TurnEvent::Background {
                        task: "u".into(),
                        description: "cargo watch".into(),
                        running: true
                    })
                    .then(TurnEvent::Background {
                        task: "u".into(),
                        description: "cargo watch".into(),
                        running: false
                    })
                    .ends(completed())
                    .read()
            ),
        ])
    );
}

#[test]
fn ends_with_nothing_to_show() {
    let denied = TurnEvent::PermissionDenied { tool: "Bash".into(), message: "no rule allows it".into() };
    insta::assert_snapshot!(
        "nothing_to_show",
        moments(&[
            ("did nothing", Told::started().then(TurnEvent::Thinking).ends(completed()).read()),
            ("used tools", Told::started().used("1", bash("ls")).ends(completed()).read()),
            ("was refused", Told::started().then(denied).ends(completed()).read()),
            (
                "a local command",
                Told::started().ends(TurnEnd::Completed { text: "## Context\n12% used".into() }).read()
            ),
        ])
    );
}

/// One of each; whoever adds a failure has to add it here.
fn every_failure() -> Vec<Failure> {
    let failures = vec![
        Failure::NotLoggedIn,
        Failure::AuthenticationFailed,
        Failure::Billing,
        Failure::PromptTooLong,
        Failure::RequestTooLarge,
        Failure::ModelNotFound,
        Failure::RateLimited,
        Failure::UsageLimit { resets_at_secs: None },
        Failure::UsageLimit { resets_at_secs: Some(1_700_000_000) },
        Failure::Overloaded,
        Failure::ApiError { status: None },
        Failure::ApiError { status: Some(503) },
        Failure::Unreachable,
        Failure::ApiTimeout,
        Failure::Refused,
        Failure::BadRequest,
        Failure::SessionNotFound,
        Failure::RootRefused,
        Failure::CliMissing,
        Failure::CliTooOld { found: "1.0.3".into(), needed: "2.1.89".into() },
        Failure::SessionInUse,
        Failure::DirectoryMissing,
        Failure::StartFailed,
        Failure::Crashed { code: Some(1), signal: None },
        Failure::Crashed { code: None, signal: Some(9) },
        Failure::Lost,
        Failure::ShutDown,
        Failure::DiskFull,
        Failure::NoMemory,
        Failure::NotAllowed,
        Failure::Unknown,
    ];
    for failure in &failures {
        match failure {
            Failure::NotLoggedIn
            | Failure::SessionInUse
            | Failure::AuthenticationFailed
            | Failure::Billing
            | Failure::PromptTooLong
            | Failure::RequestTooLarge
            | Failure::ModelNotFound
            | Failure::RateLimited
            | Failure::UsageLimit { .. }
            | Failure::Overloaded
            | Failure::ApiError { .. }
            | Failure::Unreachable
            | Failure::ApiTimeout
            | Failure::Refused
            | Failure::BadRequest
            | Failure::SessionNotFound
            | Failure::RootRefused
            | Failure::CliMissing
            | Failure::CliTooOld { .. }
            | Failure::DirectoryMissing
            | Failure::StartFailed
            | Failure::Crashed { .. }
            | Failure::Lost
            | Failure::ShutDown
            | Failure::DiskFull
            | Failure::NoMemory
            | Failure::NotAllowed
            | Failure::Unknown => {}
        }
    }
    failures
}

#[test]
fn each_failure_has_its_own_sentence() {
    let failures = every_failure();
    let cut_off = failures.iter().filter(|failure| failure.is_death()).map(cut_off_sentence);
    let sentences: Vec<String> = failures.iter().map(failure_sentence).chain(cut_off).collect();
    let different: std::collections::HashSet<&String> = sentences.iter().collect();
    assert_eq!(different.len(), sentences.len());
    assert!(
        sentences
            .iter()
            .all(|sentence| units(sentence) < 220 && !sentence.contains('/') || sentence.contains("`/")),
        "{sentences:#?}"
    );
    insta::assert_snapshot!("failures", sentences.join("\n"));
}

#[test]
fn each_limit_has_its_own_sentence() {
    let limits = [Limit::Time, Limit::Silence, Limit::Steps, Limit::Budget, Limit::Output, Limit::Away];
    insta::assert_snapshot!("limits", limits.map(limit_sentence).join("\n"));
}

#[test]
fn the_clis_words_for_a_failure_are_not_shown_beside_ours() {
    let told = Told::started()
        .says("Half an answer.")
        .says("API Error: Repeated 529 Overloaded errors · check status")
        .ends(TurnEnd::Failed(Failure::Overloaded));
    let shown = told.read();
    assert!(shown.contains("Half an answer.") && !shown.contains("529"), "{shown}");
}

#[test]
fn after_the_end_nothing_changes() {
    let told = worked().ends(completed());
    let before = told.read();
    let after = told.says("more").ends(TurnEnd::Interrupted).after(3_600);
    assert_eq!(after.read(), before);
    assert!(after.show().ended && !after.show().typing);
}

#[test]
fn the_reaction_tells_how_it_ended() {
    let reaction = |end| Told::started().ends(end).show().reaction;
    assert_eq!(Told::begin().show().reaction, Reaction::Seen);
    assert_eq!(Told::started().show().reaction, Reaction::Working);
    assert_eq!(reaction(completed()), Reaction::Done);
    assert_eq!(reaction(TurnEnd::Interrupted), Reaction::Stopped);
    assert_eq!(reaction(TurnEnd::TimedOut { limit: Limit::Silence }), Reaction::Stopped);
    assert_eq!(reaction(TurnEnd::LimitReached { limit: Limit::Budget }), Reaction::Stopped);
    assert_eq!(reaction(TurnEnd::Failed(Failure::Lost)), Reaction::Failed);
    assert_eq!(reaction(TurnEnd::CutOff { failure: Failure::Lost }), Reaction::Failed);
}

#[test]
fn what_was_cut_off_can_go_on_with_a_button() {
    let buttons = |end| Told::started().says("half").ends(end).show().slots.pop().map(|slot| slot.buttons);
    let cut_off = buttons(TurnEnd::CutOff { failure: Failure::Lost }).expect("there is a message");
    assert!(matches!(cut_off[..], [Button { action: Action::GoOn { .. }, .. }]), "{cut_off:?}");
    assert_eq!(buttons(TurnEnd::Failed(Failure::Lost)), Some(Vec::new()));
}

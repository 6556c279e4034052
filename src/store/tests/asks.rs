//! Questions to people, and the buttons that answer them.

use super::*;

#[tokio::test]
async fn of_several_answers_to_an_ask_one_counts() {
    let db = Db::new().await;
    let (turn, process) = db.running(1).await;
    let ask = Ask {
        request: "r1".to_owned(),
        tool_use: None,
        kind: AskKind::Plan { plan: "# plan".to_owned() },
        input: "{}".to_owned(),
    };
    let id = db.save_ask(turn, process, &ask, db.now()).await.unwrap();
    assert_eq!(db.save_ask(turn, process, &ask, db.now()).await.unwrap(), id);
    let open = db.open_asks(process).await.unwrap();
    assert_eq!((open.len(), open[0].id, &open[0].ask), (1, id, &ask));

    let ada = Author { id: UserId(HUGE), name: "Ada".to_owned() };
    let settle = |request, state, answer, by| db.settle_ask(process, request, state, answer, by);
    assert!(settle("r1", AskState::Allowed, Some(&Answer::AllowForSession), Some(&ada)).await.unwrap());
    assert!(!settle("r1", AskState::Denied, None, None).await.unwrap());
    assert!(!settle("unknown", AskState::Denied, None, None).await.unwrap());
    // Also for the daemon that has to say it again.
    let given = ("r1".to_owned(), Answer::AllowForSession, Some("Ada".to_owned()));
    assert_eq!(db.given_answers(process).await.unwrap(), [given]);
    // Read from the spool once more, it stays settled.
    assert_eq!(db.save_ask(turn, process, &ask, db.now()).await.unwrap(), id);
    assert_eq!(db.ask(id).await.unwrap().unwrap().state, AskState::Allowed);
    assert!(db.open_asks(process).await.unwrap().is_empty());
}

#[tokio::test]
async fn the_same_action_is_the_same_button_also_after_a_restart() {
    let db = Db::new().await;
    let allow = Action::Answer { ask: AskId::of(TurnId(Uuid::nil()), "r1"), choice: Choice::AllowOnce };
    let deny = Action::Answer { ask: AskId::of(TurnId(Uuid::nil()), "r1"), choice: Choice::Deny };
    let ids = db.button_ids(HERE, vec![allow.clone(), deny.clone()]).await.unwrap();
    assert_ne!(ids[0], ids[1]);
    // It says nothing, and Discord takes it.
    assert!(ids.iter().all(|id| id.len() == 32 && id.bytes().all(|byte| byte.is_ascii_hexdigit())));
    let db = db.reopened().await;
    assert_eq!(db.button_ids(HERE, vec![allow.clone(), deny]).await.unwrap(), ids);
    // The same action elsewhere is another button.
    assert_ne!(db.button_ids(ConversationId(1), vec![allow.clone()]).await.unwrap()[0], ids[0]);
    let found = db.button(&ids[0]).await.unwrap().unwrap();
    assert_eq!(found, StoredButton { conversation: HERE, action: allow });
    assert_eq!(db.button("forged").await.unwrap(), None);
}

#[tokio::test]
async fn what_a_process_asked_that_is_over_waits_no_more() {
    let db = Db::new().await;
    let (turn, process) = db.running(1).await;
    let ask = |request: &str| Ask {
        request: request.to_owned(),
        tool_use: None,
        kind: AskKind::Plan { plan: "# plan".to_owned() },
        input: "{}".to_owned(),
    };
    let answered = db.save_ask(turn, process, &ask("r1"), db.now()).await.unwrap();
    let open = db.save_ask(turn, process, &ask("r2"), db.now()).await.unwrap();
    db.settle_ask(process, "r1", AskState::Allowed, Some(&Answer::Allow), None).await.unwrap();
    let (other_turn, other) = db.running(2).await;
    db.save_ask(other_turn, other, &ask("r1"), db.now()).await.unwrap();
    db.end_process(process, &Exit::Lost).await.unwrap();
    db.end_process(process, &Exit::Lost).await.unwrap();
    assert_eq!(db.ask(answered).await.unwrap().unwrap().state, AskState::Allowed);
    assert_eq!(db.ask(open).await.unwrap().unwrap().state, AskState::Withdrawn);
    let waiting = db.waiting_asks(None, 9).await.unwrap();
    assert_eq!(waiting.iter().map(|ask| ask.stored.process).collect::<Vec<_>>(), [other]);
    let last = db.audit_entries(1).await.unwrap().remove(0);
    assert_eq!((last.action.as_str(), last.target), ("answer", open.to_string()));
    assert!(last.detail.starts_with("withdrawn plan input="), "{}", last.detail);
}

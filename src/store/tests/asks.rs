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
    let id = db.save_ask(turn, process, &ask).await.unwrap();
    assert_eq!(db.save_ask(turn, process, &ask).await.unwrap(), id);
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
    assert_eq!(db.save_ask(turn, process, &ask).await.unwrap(), id);
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

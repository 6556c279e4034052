//! Turns and the processes that serve them.

use super::*;

#[tokio::test]
async fn the_first_end_of_a_turn_counts() {
    let db = Db::new().await;
    let (turn, process) = db.running(1).await;
    let begun = db.turn(turn).await.unwrap().unwrap();
    assert_eq!((begun.state, begun.end, begun.side_effects), (TurnState::Running, None, false));
    db.note_side_effects(turn).await.unwrap();

    let error = ErrorId("E-234567".to_owned());
    let crashed = TurnEnd::Failed(Failure::Crashed { code: Some(1), signal: None });
    let long_ago = || sqlx::query("UPDATE conversations SET last_active_at = 1");
    let is_active = async || db.conversation(HERE).await.unwrap().unwrap().last_active_at > WallTime(1);
    long_ago().execute(&mut *db.writer().await.unwrap()).await.unwrap();
    assert!(db.end_turn(turn, &crashed, &usage(), 3, Some(&error)).await.unwrap());
    assert!(is_active().await);
    long_ago().execute(&mut *db.writer().await.unwrap()).await.unwrap();
    assert!(!db.end_turn(turn, &completed(), &Usage::default(), 0, None).await.unwrap());
    assert!(!is_active().await);
    db.begin_turn(&NewTurn { id: turn, attempt: 2, ..new_turn(None, process) }).await.unwrap();

    let ended = db.turn(turn).await.unwrap().unwrap();
    assert_eq!(ended.state, TurnState::Ended);
    assert_eq!(ended.end, Some(crashed));
    assert_eq!((ended.usage, ended.tools, ended.error_id), (usage(), 3, Some(error)));
    assert_eq!((ended.side_effects, ended.attempt), (true, 1));
    assert_eq!(db.turn(TurnId(Uuid::nil())).await.unwrap(), None);
}

#[tokio::test]
async fn another_attempt_moves_the_turn_to_its_process() {
    let db = Db::new().await;
    let (turn, first) = db.running(1).await;
    let begun = db.turn(turn).await.unwrap().unwrap();
    db.end_process(first, &Exit::Lost).await.unwrap();
    let second = ProcessId(Uuid::new_v4());
    db.start_process(&new_process(second)).await.unwrap();
    let carried = Carried { session_lost: true, restarted: true, held: 1 };
    let again = NewTurn {
        id: turn,
        attempt: 2,
        carried,
        from_position: Position(9),
        ..new_turn(begun.prompt, second)
    };
    db.begin_turn(&again).await.unwrap();
    assert!(db.turns_of_process(first).await.unwrap().is_empty());
    let turns = db.turns_of_process(second).await.unwrap();
    assert_eq!((turns[0].id, turns[0].attempt, turns[0].from_position), (turn, 2, Position(9)));
    assert_eq!((begun.carried, turns[0].carried), (Carried::default(), carried));
    assert_eq!(turns[0].started_at, begun.started_at);
    assert_eq!(db.processes_to_forget().await.unwrap(), [first]);
}

#[tokio::test]
async fn the_process_that_came_first_is_attached_to_first_whatever_the_clock_said() {
    let db = Db::new().await;
    let (first, second) = (ProcessId(Uuid::from_u128(1)), ProcessId(Uuid::from_u128(2)));
    db.start_process(&new_process(first)).await.unwrap();
    sqlx::query("UPDATE processes SET started_at = started_at + 3600000")
        .execute(&mut *db.writer().await.unwrap())
        .await
        .unwrap();
    db.start_process(&new_process(second)).await.unwrap();
    let ids: Vec<_> =
        db.processes_to_attach(HERE).await.unwrap().into_iter().map(|process| process.id).collect();
    assert_eq!(ids, [first, second]);
}

#[tokio::test]
async fn a_process_is_attached_until_all_is_told_and_then_forgotten_once() {
    let db = Db::new().await;
    let (turn, process) = db.running(1).await;
    let to_attach = async || -> Vec<ProcessId> {
        db.processes_to_attach(HERE).await.unwrap().into_iter().map(|process| process.id).collect()
    };
    assert_eq!(to_attach().await, [process]);
    assert_eq!(db.live_processes().await.unwrap()[0].fingerprint, "f");
    db.end_turn(turn, &completed(), &usage(), 0, None).await.unwrap();
    db.end_process(process, &Exit::Code { code: 0 }).await.unwrap();
    db.end_process(process, &Exit::Lost).await.unwrap();
    assert!(db.live_processes().await.unwrap().is_empty());
    assert_eq!(to_attach().await, [process]);
    assert_eq!(db.undelivered_turns().await.unwrap().len(), 1);
    assert_eq!(db.conversations_with_work().await.unwrap(), [HERE]);
    assert!(db.processes_to_forget().await.unwrap().is_empty());

    db.delivered(turn).await.unwrap();
    assert!(to_attach().await.is_empty());
    assert!(db.conversations_with_work().await.unwrap().is_empty());
    assert_eq!(db.processes_to_forget().await.unwrap(), [process]);
    db.process_forgotten(process).await.unwrap();
    assert!(db.processes_to_forget().await.unwrap().is_empty());
}

#[tokio::test]
async fn a_turn_whose_process_never_started_is_found_again() {
    let db = Db::new().await;
    let wanted = prompt(1);
    db.accept(&wanted, None).await.unwrap();
    let process = ProcessId(Uuid::new_v4());
    db.begin_turn(&new_turn(Some(wanted.id), process)).await.expect_err("nobody would find it");
    db.start_process(&new_process(process)).await.unwrap();
    db.begin_turn(&new_turn(Some(wanted.id), process)).await.unwrap();
    let db = db.reopened().await;
    assert_eq!(db.processes_to_attach(HERE).await.unwrap()[0].id, process);
    assert_eq!(db.turns_of_process(process).await.unwrap()[0].prompt, Some(wanted.id));
}

//! What people asked for: accepted once, in the order in which it was said, and never back in the queue.

use super::*;

#[tokio::test]
async fn a_prompt_comes_back_as_it_was_also_after_a_restart() {
    let db = Db::new().await;
    let wanted = prompt(7);
    db.accept(&wanted, Some((HERE.into(), MessageId(7)))).await.unwrap();
    let db = db.reopened().await;
    assert_eq!(db.prompt(wanted.id).await.unwrap(), Some(wanted.clone()));
    assert_eq!(db.queued(HERE).await.unwrap(), [wanted]);
    assert_eq!(db.watermark(HERE.into()).await.unwrap(), Some(MessageId(7)));
    assert_eq!(db.conversations_with_work().await.unwrap(), [HERE]);
    assert_eq!(db.prompt(PromptId(Uuid::nil())).await.unwrap(), None);
}

#[tokio::test]
async fn one_origin_is_accepted_once_and_the_watermark_never_moves_back() {
    let db = Db::new().await;
    let mark = |message| Some((HERE.into(), MessageId(message)));
    assert_eq!(db.accept(&prompt(7), mark(7)).await.unwrap(), Accepted::New);
    assert_eq!(db.accept(&prompt(5), mark(5)).await.unwrap(), Accepted::New);
    let again = Prompt { id: PromptId(Uuid::new_v4()), text: "edited".to_owned(), ..prompt(7) };
    assert_eq!(db.accept(&again, mark(7)).await.unwrap(), Accepted::Duplicate);
    assert_eq!(db.watermarks().await.unwrap(), [(HERE.into(), MessageId(7))]);
    db.advance_watermark(HERE.into(), MessageId(9)).await.unwrap();
    db.advance_watermark(HERE.into(), MessageId(8)).await.unwrap();
    assert_eq!(db.watermark(HERE.into()).await.unwrap(), Some(MessageId(9)));
    // In the order in which they were said, not stored.
    let said: Vec<_> =
        db.queued(HERE).await.unwrap().into_iter().map(|prompt| prompt.received_at.0).collect();
    assert_eq!(said, [5, 7]);
}

#[tokio::test]
async fn a_prompt_that_cannot_be_stored_moves_no_watermark() {
    let db = Db::new().await;
    let stranger = Prompt { conversation: ConversationId(404), ..prompt(7) };
    db.accept(&stranger, Some((ChannelId(404), MessageId(7)))).await.unwrap_err();
    assert_eq!(db.watermark(ChannelId(404)).await.unwrap(), None);
    // The one writer is free again.
    assert_eq!(db.accept(&prompt(8), None).await.unwrap(), Accepted::New);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn fifty_at_once_are_all_stored_and_of_two_equal_ones_one() {
    let db = Db::new().await;
    let tasks: Vec<_> = (0..50u64)
        .map(|number| {
            let store = db.store.clone();
            tokio::spawn(async move {
                let accepted = store.accept(&prompt(number / 2), None).await.unwrap();
                store.queued(HERE).await.unwrap();
                store.set_setting(&number.to_string(), "x").await.unwrap();
                accepted
            })
        })
        .collect();
    let mut new = 0;
    for task in tasks {
        new += usize::from(task.await.unwrap() == Accepted::New);
    }
    assert_eq!(new, 25);
    assert_eq!(db.queued_count(HERE).await.unwrap(), 25);
    assert_eq!(db.setting("49").await.unwrap().as_deref(), Some("x"));
}

#[tokio::test]
async fn what_left_the_queue_does_not_come_back() {
    let db = Db::new().await;
    let [taken, withdrawn, refused] = [prompt(1), prompt(2), prompt(3)];
    for prompt in [&taken, &withdrawn, &refused] {
        db.accept(prompt, None).await.unwrap();
    }
    let process = ProcessId(Uuid::new_v4());
    db.start_process(&new_process(process)).await.unwrap();
    db.begin_turn(&new_turn(Some(taken.id), process)).await.unwrap();
    assert!(!db.withdraw(taken.id, TurnId::of(taken.id)).await.unwrap());
    assert!(db.withdraw(withdrawn.id, TurnId::of(withdrawn.id)).await.unwrap());
    assert!(!db.withdraw(withdrawn.id, TurnId::of(withdrawn.id)).await.unwrap());
    assert!(db.refuse(refused.id, TurnId::of(refused.id), "full").await.unwrap());
    assert!(db.queued(HERE).await.unwrap().is_empty());
    assert_eq!(db.prompt_state(taken.id).await.unwrap(), Some(PromptState::Taken));
    assert_eq!(db.prompt_state(withdrawn.id).await.unwrap(), Some(PromptState::Withdrawn));
    assert_eq!(db.prompt_state(refused.id).await.unwrap(), Some(PromptState::Refused));
    assert_eq!(db.accept(&refused, None).await.unwrap(), Accepted::Duplicate);
}

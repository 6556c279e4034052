//! What is remembered for the time after an absence.

use super::*;

#[tokio::test]
async fn what_is_held_runs_once_or_never() {
    let db = Db::new().await;
    let (here, there) = (ChannelId(100), ChannelId(200));
    for (message, channel) in [(7, here), (5, here), (6, there)] {
        let held = db.hold(&prompt(message), channel, Some((channel, MessageId(message)))).await.unwrap();
        assert_eq!(held, Accepted::New);
    }
    assert_eq!(db.hold(&prompt(7), here, None).await.unwrap(), Accepted::Duplicate);
    assert_eq!(db.accept(&prompt(7), None).await.unwrap(), Accepted::Duplicate, "held is known");
    assert_eq!(db.queued_count(HERE).await.unwrap(), 0, "held is not queued");
    assert_eq!(db.watermark(here).await.unwrap(), Some(MessageId(7)));
    let db = db.reopened().await;
    assert_eq!(db.held(here).await.unwrap(), Some(Held { count: 2, newest: prompt(7).id }));
    let (held, run) = db.queue_held(here).await.unwrap().expect("something is held");
    assert_eq!(held.count, 2);
    let run: Vec<_> = run.iter().map(|prompt| prompt.id).collect();
    assert_eq!(run, [prompt(5).id, prompt(7).id], "in the order in which they were said");
    assert_eq!(db.queue_held(here).await.unwrap(), None, "a second click gets nothing");
    assert_eq!(db.ignore_held(here).await.unwrap(), None);
    assert_eq!(db.queued_count(HERE).await.unwrap(), 2);
    let other = Held { count: 1, newest: prompt(6).id };
    assert_eq!(db.ignore_held(there).await.unwrap(), Some(other));
    assert_eq!(db.held(there).await.unwrap(), None);
    let db = db.reopened().await;
    assert_eq!(db.settled_held(here).await.unwrap(), [(held, Settled::Run)]);
    assert_eq!(db.settled_held(there).await.unwrap(), [(other, Settled::Ignored)]);
    assert_eq!(db.prompt_state(prompt(6).id).await.unwrap(), Some(PromptState::Refused));
}

#[tokio::test]
async fn logins_survive_a_restart() {
    let db = Db::new().await;
    db.identified(IdentifyKind::Start).await.unwrap();
    db.identified(IdentifyKind::Again).await.unwrap();
    let db = db.reopened().await;
    let kinds: Vec<_> = db.identifies().await.unwrap().iter().map(|identify| identify.kind).collect();
    assert_eq!(kinds, [IdentifyKind::Start, IdentifyKind::Again]);
}

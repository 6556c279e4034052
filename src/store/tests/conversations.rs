//! A conversation with its model and its session.

use super::*;

#[tokio::test]
async fn a_conversation_keeps_its_model_and_its_session() {
    let db = Db::new().await;
    let get = async || db.conversation(HERE).await.unwrap().unwrap();
    db.open_conversation(&NewConversation { title: "other".to_owned(), ..new_conversation(HERE) })
        .await
        .unwrap();
    let begun = get().await;
    assert_eq!((begun.title.as_str(), begun.parent, begun.session), ("t", Some(ChannelId(HUGE)), None));
    db.set_model(HERE, Some("opus"), None).await.unwrap();
    assert_eq!(get().await.model.as_deref(), Some("opus"));
    db.set_model(HERE, None, None).await.unwrap();
    assert_eq!(get().await.model, None);

    assert_eq!(db.session(session()).await.unwrap(), None);
    assert_eq!(db.reset(HERE).await.unwrap(), None);
    db.start_session(session(), HERE, Path::new("/srv")).await.unwrap();
    assert!(!db.session(session()).await.unwrap().unwrap().started);
    db.mark_session_started(session()).await.unwrap();
    db.start_session(session(), HERE, Path::new("/srv")).await.unwrap();
    assert!(db.session(session()).await.unwrap().unwrap().started);
    assert_eq!(get().await.session, Some(session()));
    assert_eq!(db.reset(HERE).await.unwrap(), Some(session()));
    assert_eq!(get().await.session, None);

    let next = SessionId(Uuid::new_v4());
    db.start_session(next, HERE, Path::new("/srv")).await.unwrap();
    db.mark_session_stale(next).await.unwrap();
    assert_eq!(get().await.session, None);
    assert!(!db.session(next).await.unwrap().unwrap().started);
    assert_eq!(db.conversation(ConversationId(404)).await.unwrap(), None);
}

//! The login is gone: one tells, once in each outage.

use super::*;

#[tokio::test]
async fn of_all_who_hear_that_the_login_is_gone_one_tells_it_also_after_a_restart() {
    let db = Db::new().await;
    let notice = || TurnId(Uuid::new_v4());
    assert_eq!(db.end_login_outage().await.unwrap(), None);
    let first = notice();
    assert!(db.begin_login_outage(first, HERE.into()).await.unwrap());
    assert!(!db.begin_login_outage(notice(), HERE.into()).await.unwrap());
    let db = db.reopened().await;
    assert!(!db.begin_login_outage(notice(), ChannelId(HUGE)).await.unwrap());
    let told = LoginOutage { notice: first, channel: HERE.into(), is_over: false };
    assert_eq!(db.last_login_outage().await.unwrap(), Some(told));
    let over = LoginOutage { is_over: true, ..told };
    assert_eq!(db.end_login_outage().await.unwrap(), Some(over));
    assert_eq!(db.end_login_outage().await.unwrap(), None);
    assert_eq!(db.last_login_outage().await.unwrap(), Some(over));
    assert!(db.begin_login_outage(notice(), ChannelId(HUGE)).await.unwrap(), "that is a new one");
}

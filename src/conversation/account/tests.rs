use super::*;

const WALL: WallTime = WallTime(1_780_000_000_000);

fn at(secs: u64) -> (Moment, WallTime) {
    (Moment(Duration::from_secs(secs)), later(WALL, Duration::from_secs(secs)))
}

fn heard(account: &mut Account, news: News, secs: u64) -> bool {
    let (now, wall) = at(secs);
    account.heard(news, now, wall)
}

fn admitted(account: &mut Account, secs: u64) -> bool {
    let (now, wall) = at(secs);
    account.admit(now, wall).is_ok()
}

/// The first second at which a turn may begin.
fn opens_at(account: &mut Account, from: u64) -> u64 {
    (from..from + 100_000).find(|secs| admitted(account, *secs)).expect("nothing is held for ever")
}

#[test]
fn without_news_everybody_may_begin() {
    let mut account = Account::default();
    assert!(admitted(&mut account, 0) && admitted(&mut account, 0));
    assert!(!heard(&mut account, News::Works, 1), "that changes nothing");
}

#[test]
fn a_limit_holds_until_its_reset_and_then_one_tries_for_all() {
    let mut account = Account::default();
    let resets_at_secs = Some(WALL.0 / 1000 + 3600);
    assert!(heard(&mut account, News::LimitReached { resets_at_secs }, 0));
    assert_eq!(account.hold().map(|hold| hold.why), Some(Outage::UsageLimit));
    assert_eq!(opens_at(&mut account, 0), 3605);
    assert!(!admitted(&mut account, 3606), "one tries, the others wait for what becomes of it");
    assert!(heard(&mut account, News::Works, 3607));
    assert!(admitted(&mut account, 3607) && admitted(&mut account, 3607));
}

#[test]
fn a_trial_of_which_nothing_is_heard_gives_way_to_another() {
    let mut account = Account::default();
    heard(&mut account, News::NoLogin, 0);
    let first = opens_at(&mut account, 0);
    assert_eq!(opens_at(&mut account, first), first + TRIAL_MAX.as_secs());
}

#[test]
fn tries_that_fail_come_less_and_less_often_but_never_end() {
    // One that is over by our clock, which is ahead.
    let over = Some(WALL.0 / 1000 - 3600);
    let limits = [None, over].map(|resets_at_secs| News::LimitReached { resets_at_secs });
    for news in [News::NoLogin, News::Overloaded].into_iter().chain(limits) {
        let mut account = Account::default();
        let (mut now, mut waits) = (0, Vec::new());
        for _ in 0..20 {
            assert!(heard(&mut account, news, now));
            let next = opens_at(&mut account, now);
            waits.push(next - now);
            now = next;
        }
        assert!(waits.is_sorted(), "{news:?}: {waits:?}");
        assert_eq!(waits.last(), Some(&WAIT_MAX.as_secs()), "{news:?}");
        // C6: at most three starts a minute.
        assert!(waits[0] >= 15, "{news:?}: {waits:?}");
    }
}

#[test]
fn those_that_were_under_way_prolong_nothing() {
    let mut account = Account::default();
    assert!(heard(&mut account, News::Overloaded, 0));
    for secs in 1..10 {
        assert!(!heard(&mut account, News::Overloaded, secs));
    }
    assert_eq!(opens_at(&mut account, 10), OVERLOAD_WAIT.as_secs());
}

#[test]
fn another_reason_takes_the_place_of_the_first() {
    let mut account = Account::default();
    heard(&mut account, News::Overloaded, 0);
    assert!(heard(&mut account, News::NoLogin, 1));
    assert_eq!(account.hold().map(|hold| hold.why), Some(Outage::NoLogin));
}

#[test]
fn a_reset_that_is_no_time_to_believe_is_not_waited_for() {
    for at_secs in [i64::MAX, i64::MIN, 0, WALL.0 / 1000 + 86_400 * 365] {
        let mut account = Account::default();
        heard(&mut account, News::LimitReached { resets_at_secs: Some(at_secs) }, 0);
        assert!(opens_at(&mut account, 0) <= LIMIT_WAIT.as_secs(), "{at_secs}");
    }
}

#[test]
fn a_step_of_one_clock_holds_nobody_for_ever() {
    for (news, secs) in [(News::NoLogin, 20), (News::Overloaded, 15)] {
        let mut account = Account::default();
        let (now, wall) = at(0);
        account.heard(news, now, wall);
        let back = WallTime(wall.0 - 3_600_000);
        assert!(
            account.admit(now.after(Duration::from_secs(secs)), back).is_ok(),
            "the wall clock stepped back"
        );
        account.heard(news, now, wall);
        let much_later = later(wall, Duration::from_hours(10));
        assert!(account.admit(now, much_later).is_ok(), "the machine slept");
    }
}

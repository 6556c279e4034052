//! What one person says in one breath while a turn runs: one prompt, for which the last message gets the answer.

use super::bench::{Bench, in_one_breath, prompt, result};
use crate::clock::WallTime;
use crate::conversation::state::Input;
use crate::domain::ids::{ChannelId, MessageId, TurnId, UserId};
use crate::domain::prompt::{Attachment, Origin, Prompt, Wish};

const NOTHING: [&str; 0] = [];

/// Turn 1 runs, and these wait.
fn behind_one(prompts: impl IntoIterator<Item = Prompt>) -> Bench {
    let mut bench = Bench::new();
    bench.runs(1);
    for prompt in prompts {
        assert_eq!(bench.input(Input::Submit(prompt)), NOTHING);
    }
    bench
}

/// How many prompts are in each of the turns that wait.
fn sizes(bench: &Bench) -> Vec<usize> {
    bench.state.waiting().iter().map(Vec::len).collect()
}

fn running(bench: &Bench) -> (TurnId, Vec<u64>, String) {
    let turn = bench.state.running().expect("a turn");
    let parts = turn.parts.iter().map(|part| super::bench::number(part.id)).collect();
    (turn.id, parts, turn.prompt.clone().expect("it has one").text)
}

#[test]
fn what_waits_together_is_one_prompt_that_answers_the_last_message() {
    let mut bench = behind_one((2..5).map(in_one_breath));
    let ended = bench.record(result());
    assert_eq!(ended, ["end 1: completed", "leave place", "join 3, 4", "ask place"]);
    bench.shown();
    assert_eq!(bench.place("same"), ["begin 2+3+4 in A (warm, attempt 1)"]);
    assert_eq!(running(&bench).2, "prompt 2\n\nprompt 3\n\nprompt 4");
    bench.works_on(2);
    bench.records([super::bench::text("all three"), result()]);
    let shown = bench.shown().remove(0);
    assert_eq!(shown.shown.slots[0].reply_to, Some(MessageId(4)));
    assert_eq!(shown.also.iter().map(|(_, message, _)| message.0).collect::<Vec<_>>(), [3, 4]);
    for number in 2..5 {
        assert_eq!(bench.input(Input::Submit(in_one_breath(number))), NOTHING, "it is done");
    }
}

#[test]
fn the_first_of_a_burst_begins_at_once() {
    let mut bench = Bench::new();
    assert_eq!(bench.input(Input::Submit(in_one_breath(1))), ["ask place"]);
    bench.input(Input::Submit(in_one_breath(2)));
    bench.input(Input::Submit(in_one_breath(3)));
    assert_eq!(bench.place("same"), ["begin 1 in A (start, attempt 1)"]);
    assert_eq!(sizes(&bench), [2]);
}

#[test]
fn what_is_not_said_in_one_breath_stays_apart() {
    let next = || in_one_breath(3);
    let with_file = Attachment {
        name: "notes.txt".to_owned(),
        content_type: None,
        bytes: 1,
        path: "/tmp/notes.txt".into(),
    };
    let command = Origin::Command { channel: ChannelId(1), interaction: 3 };
    let elsewhere = Origin::Message { channel: ChannelId(2), message: MessageId(3) };
    let mut others = vec![
        ("a wish", Prompt { wish: Wish::Steer, ..next() }),
        ("a command of the CLI's", Prompt { text: "/compact".to_owned(), ..next() }),
        ("a slash command", Prompt { origin: command, ..next() }),
        ("another channel", Prompt { origin: elsewhere, ..next() }),
        ("a file", Prompt { attachments: vec![with_file], ..next() }),
        ("a long text", Prompt { text: "ä".repeat(501), ..next() }),
        ("later", Prompt { received_at: WallTime(in_one_breath(2).received_at.0 + 60_001), ..next() }),
    ];
    let mut other = next();
    other.author.id = UserId(2);
    others.push(("another person", other));
    for (what, prompt) in others {
        let mut bench = Bench::new();
        bench.submit(1);
        let received_at = WallTime(in_one_breath(4).received_at.0.max(prompt.received_at.0 + 1));
        for prompt in [in_one_breath(2), prompt, Prompt { received_at, ..in_one_breath(4) }] {
            bench.input(Input::Submit(prompt));
        }
        // With what was said later there is another one.
        let sizes_wanted: &[usize] = if what == "later" { &[1, 2] } else { &[1, 1, 1] };
        assert_eq!(sizes(&bench), sizes_wanted, "{what}");
    }
    // All that is just within the bounds.
    let late = Prompt { received_at: WallTime(in_one_breath(2).received_at.0 + 60_000), ..next() };
    let long = Prompt { text: "ä".repeat(500), ..late };
    assert_eq!(sizes(&behind_one([in_one_breath(2), long])), [2]);
}

#[test]
fn a_turn_is_of_so_many_prompts_and_characters() {
    assert_eq!(sizes(&behind_one((2..13).map(in_one_breath))), [5, 5, 1]);
    let long = |number| Prompt { text: "x".repeat(450), ..in_one_breath(number) };
    assert_eq!(sizes(&behind_one((2..8).map(long))), [4, 2]);
}

#[test]
fn what_is_changed_is_looked_at_anew() {
    let mut bench = behind_one((2..5).map(in_one_breath));
    let edit = |number, text: &str| Input::Edited {
        prompt: prompt(number).id,
        text: text.to_owned(),
        attachments: Vec::new(),
    };
    bench.input(edit(3, "/compact"));
    assert_eq!(sizes(&bench), [1, 1, 1]);
    bench.input(edit(3, "three"));
    assert_eq!(sizes(&bench), [3]);
    // Also while they wait for their place.
    bench.record(result());
    assert_eq!(bench.input(edit(3, "/compact")), NOTHING);
    assert_eq!(running(&bench).1, [2]);
    assert_eq!(sizes(&bench), [1, 1]);
    assert_eq!(bench.place("same"), ["begin 2 in A (warm, attempt 1)"]);
    bench.works_on(2);
    bench.record(result());
    assert_eq!(running(&bench).2, "/compact");
}

#[test]
fn who_takes_one_back_leaves_the_others() {
    let take = |number| Input::Withdraw { prompt: prompt(number).id, gone: true };
    let mut bench = behind_one((2..6).map(in_one_breath));
    bench.input(take(3));
    assert_eq!(sizes(&bench), [3]);
    bench.record(result());
    assert_eq!(running(&bench).1, [2, 4, 5]);
    assert_eq!(bench.input(take(5)), NOTHING);
    assert_eq!(running(&bench).1, [2, 4]);
    // The turn of the first one is not, and nothing is said of it.
    bench.shown();
    assert_eq!(bench.input(take(2)), ["withdraw 2", "leave place", "ask place"]);
    assert!(bench.shown().remove(0).shown.slots.is_empty());
    assert_eq!(running(&bench).1, [4]);
}

#[test]
fn what_waited_for_its_place_together_does_so_after_a_restart_and_nothing_else_with_it() {
    let mut before = behind_one((2..4).map(in_one_breath));
    before.record(result());
    let (turn, ..) = running(&before);
    let rejoin = |number| Input::Rejoin { prompt: in_one_breath(number), turn };
    let mut bench = Bench::new();
    assert_eq!(bench.input(Input::Submit(in_one_breath(2))), ["ask place"]);
    assert_eq!(bench.input(rejoin(3)), NOTHING);
    assert_eq!(bench.input(Input::Submit(in_one_breath(4))), NOTHING);
    let (again, parts, _) = running(&bench);
    assert_eq!((again, parts), (turn, vec![2, 3]));
    assert_eq!(bench.input(rejoin(3)), NOTHING, "it is known");
    assert_eq!(sizes(&bench), [1]);
    // Where the first of them is gone, or something came between, it waits as others do.
    let mut bench = Bench::new();
    assert_eq!(bench.input(rejoin(3)), ["ask place"]);
    let mut bench = Bench::new();
    bench.input(Input::Submit(in_one_breath(2)));
    bench.input(Input::Submit(Prompt { text: "/compact".to_owned(), ..in_one_breath(3) }));
    assert_eq!(bench.input(Input::Rejoin { prompt: in_one_breath(4), turn }), NOTHING);
    assert_eq!(running(&bench).1, [2]);
    assert_eq!(sizes(&bench), [1, 1]);
}

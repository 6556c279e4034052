//! Prompts that come while a turn runs: told to it, in its place, changed, taken back.

use uuid::Uuid;

use super::bench::{
    Bench, aborted, cancelled, echo_of, exit, init, known, prompt, result, text, told, tool, tool_result,
};
use crate::claude::cancel_line;
use crate::conversation::state::{Input, Notice};
use crate::domain::ids::{ProcessId, PromptId};
use crate::domain::prompt::{Prompt, Wish};
use crate::render::view::Reaction;
use crate::runner::Record;

const NOTHING: [&str; 0] = [];
/// The first process of a bench, and the one that it attaches to.
const STARTED: ProcessId = ProcessId(Uuid::from_u128(1001));
const ATTACHED: ProcessId = ProcessId(Uuid::from_u128(500));

fn steered(number: u64, process: ProcessId) -> PromptId {
    prompt(number).id.steered_into(process)
}

fn wishing(number: u64, wish: Wish) -> Prompt {
    Prompt { wish, ..prompt(number) }
}

fn cancel(id: PromptId) -> Record {
    Record::In(cancel_line(&format!("cancel-{id}"), id).into())
}

/// Turn 1 runs, and its process was told of prompt 2.
fn told_of_two() -> Bench {
    let mut bench = Bench::new();
    bench.runs(1);
    bench.record(tool("t", "Bash"));
    let steer = bench.input(Input::Submit(wishing(2, Wish::Steer)));
    assert_eq!(steer, ["⏩ on 2", "steer 2"]);
    bench
}

#[test]
fn what_is_heard_with_the_result_of_a_tool_is_part_of_the_turn() {
    let mut bench = told_of_two();
    assert_eq!(bench.record(told(2, STARTED)), NOTHING);
    let heard = bench.records([tool_result("t"), echo_of(steered(2, STARTED))]);
    assert_eq!(heard, ["2 heard by 1"]);
    let shown = bench.shown().remove(0);
    assert!(shown.shown.slots[0].content.contains("↪️ **Ada**: prompt 2"));
    assert_eq!(shown.also[0].2, Reaction::Heard);
    assert_eq!(bench.records([text("done"), result()]), ["end 1: completed", "leave place"]);
    let shown = bench.shown().remove(0);
    assert_eq!(shown.also[0].2, Reaction::Done);
    assert!(!bench.submit(2).contains(&"ask place".to_owned()), "it is done");
}

#[test]
fn what_is_not_heard_until_the_end_is_a_turn_of_its_own() {
    let mut bench = told_of_two();
    let ended = bench.records([tool_result("t"), text("done"), result()]);
    // The line may be on its way still: it is not written again.
    assert_eq!(ended, ["end 1: completed", "leave place", "begin 2 in A (told before)", "take place"]);
    assert_eq!(bench.records([told(2, STARTED), init(), echo_of(steered(2, STARTED)), text("two")]), NOTHING);
    assert_eq!(bench.record(result()), ["end 2: completed", "leave place"]);
    assert!(bench.text().contains("two"));
}

#[test]
fn what_queues_waits_behind_what_was_told() {
    let mut bench = told_of_two();
    bench.submit(3);
    bench.record(told(2, STARTED));
    bench.records([tool_result("t"), text("done"), result()]);
    assert_eq!(bench.running(), Some(2));
    bench.records([init(), echo_of(steered(2, STARTED)), text("two")]);
    assert_eq!(bench.record(result()), ["end 2: completed", "leave place", "ask place"]);
    assert_eq!(bench.running(), Some(3));
}

#[test]
fn several_that_the_cli_makes_one_turn_are_answered_by_it() {
    let mut bench = told_of_two();
    bench.input(Input::Submit(wishing(3, Wish::Steer)));
    bench.records([told(2, STARTED), told(3, STARTED), tool_result("t"), text("done")]);
    bench.record(result());
    // The first of them is echoed before the turn's init, the last with all of it (the CLI's README §7).
    let echoes = [echo_of(steered(2, STARTED)), init(), echo_of(steered(3, STARTED))];
    assert_eq!(bench.records(echoes), ["3 heard by 2"]);
    assert_eq!(bench.records([text("both"), result()]), ["end 2: completed", "leave place"]);
}

#[test]
fn what_a_dead_cli_never_heard_waits_again() {
    let mut bench = told_of_two();
    bench.record(told(2, STARTED));
    let died = bench.record(exit(1));
    assert_eq!(
        died,
        [
            "side effects of 1",
            "end 1: cut off: Crashed { code: Some(1), signal: None }",
            "leave place",
            "unsteer 2",
            "👀 on 2",
            "A ended",
            "ask place"
        ][1..]
    );
    assert_eq!(bench.running(), Some(2));
}

#[test]
fn what_an_attempt_heard_that_is_made_again_waits_again() {
    let mut bench = Bench::new();
    bench.runs(1);
    bench.record(tool("t", "Read"));
    bench.input(Input::Submit(wishing(2, Wish::Steer)));
    bench.records([told(2, STARTED), tool_result("t"), echo_of(steered(2, STARTED))]);
    let died = bench.record(exit(1));
    assert_eq!(died, ["A ended", "unsteer 2", "👀 on 2", "begin 1 in B (start, attempt 2)"]);
    assert_eq!(bench.state.queued(), 1);
}

#[test]
fn a_command_is_not_told_but_waits() {
    let mut bench = Bench::new();
    bench.runs(1);
    let command = Prompt { text: "/compact".to_owned(), ..wishing(2, Wish::Steer) };
    assert_eq!(bench.input(Input::Submit(command)), NOTHING);
    assert_eq!(bench.state.queued(), 1);
}

#[test]
fn what_waits_is_told_when_somebody_wants_that() {
    let mut bench = Bench::new();
    bench.runs(1);
    bench.submit(2);
    bench.submit(3);
    let wish = Input::Wish { prompt: prompt(3).id, wish: Wish::Steer };
    assert_eq!(bench.input(wish), ["⏩ on 3", "steer 3"]);
    assert_eq!(bench.state.queued(), 1);
}

#[test]
fn what_is_to_be_told_before_the_turn_has_begun_is_told_then() {
    let mut bench = Bench::new();
    bench.submit(1);
    bench.place("same");
    assert_eq!(bench.input(Input::Submit(wishing(2, Wish::Steer))), NOTHING);
    let begins = bench.records([super::bench::written(1)]);
    assert_eq!(begins, ["⏩ on 2", "steer 2"]);
}

#[test]
fn a_stop_takes_back_what_was_told_and_it_waits() {
    let mut bench = told_of_two();
    bench.record(told(2, STARTED));
    assert_eq!(bench.input(Input::Stop), ["cancel_async_message", "interrupt"]);
    let line = cancel(steered(2, STARTED));
    assert_eq!(bench.records([line.clone(), cancelled(&line, true)]), ["unsteer 2", "👀 on 2"]);
    let end = bench.record(aborted());
    assert_eq!(end, ["end 1: interrupted", "leave place", "close input"]);
    assert_eq!(bench.record(exit(0)), ["A ended", "ask place"]);
    assert_eq!(bench.running(), Some(2));
}

#[test]
fn what_was_told_and_is_not_wanted_any_more_is_withdrawn_once_it_is_given_back() {
    let mut bench = told_of_two();
    bench.record(told(2, STARTED));
    let withdraw = Input::Withdraw { prompt: prompt(2).id, gone: false };
    assert_eq!(bench.input(withdraw), ["take back 2", "cancel_async_message"]);
    let line = cancel(steered(2, STARTED));
    assert_eq!(bench.records([line.clone(), cancelled(&line, true)]), ["unsteer 2", "withdraw 2"]);
    // What it heard meanwhile is not given back.
    let mut bench = told_of_two();
    bench.record(told(2, STARTED));
    bench.input(Input::Withdraw { prompt: prompt(2).id, gone: false });
    assert_eq!(bench.record(echo_of(steered(2, STARTED))), ["2 heard by 1"]);
    let line = cancel(steered(2, STARTED));
    assert_eq!(bench.records([line.clone(), cancelled(&line, false)]), NOTHING);
}

#[test]
fn after_a_restart_what_was_not_written_is_told_and_what_was_is_not() {
    let mut bench = Bench::new();
    let told_before = vec![wishing(2, Wish::Steer), wishing(3, Wish::Steer)];
    bench.attached(ATTACHED, vec![known(1)], Vec::new(), Vec::new(), told_before);
    bench.works_on(1);
    bench.record(told(2, ATTACHED));
    assert_eq!(bench.input(Input::CaughtUp), ["steer 3 again"]);
    let heard =
        bench.records([told(3, ATTACHED), echo_of(steered(2, ATTACHED)), echo_of(steered(3, ATTACHED))]);
    assert_eq!(heard, ["2 heard by 1", "3 heard by 1"]);
}

#[test]
fn after_a_restart_what_was_told_to_a_turn_that_ended_begins() {
    let mut bench = Bench::new();
    bench.attached(ATTACHED, vec![known(1)], Vec::new(), Vec::new(), vec![wishing(2, Wish::Steer)]);
    bench.works_on(1);
    bench.records([text("done"), result()]);
    let begins = bench.input(Input::CaughtUp);
    assert_eq!(begins, ["begin 2 in A (told before)", "steer 2 again", "take place"]);
    bench.records([told(2, ATTACHED), init(), echo_of(steered(2, ATTACHED)), text("two")]);
    assert_eq!(bench.record(result()), ["end 2: completed", "leave place"]);
}

#[test]
fn after_a_restart_what_was_heard_is_shown_again() {
    let mut bench = Bench::new();
    bench.attached(ATTACHED, vec![known(1)], Vec::new(), Vec::new(), vec![wishing(2, Wish::Steer)]);
    bench.works_on(1);
    let heard = bench.records([told(2, ATTACHED), echo_of(steered(2, ATTACHED))]);
    assert_eq!(heard, ["2 heard by 1"], "the store takes it twice");
    bench.input(Input::CaughtUp);
    assert!(bench.text().contains("↪️ **Ada**: prompt 2"));
}

#[test]
fn what_interrupts_is_next_and_the_others_stay_behind_it() {
    let mut bench = Bench::new();
    bench.runs(1);
    bench.submit(2);
    assert_eq!(bench.input(Input::Submit(wishing(3, Wish::Interrupt))), ["1 is stopped by 1", "interrupt"]);
    assert_eq!(bench.record(aborted()), ["end 1: interrupted", "leave place", "close input"]);
    assert_eq!(bench.record(exit(0)), ["A ended", "ask place"]);
    assert_eq!(bench.running(), Some(3));
    assert_eq!(bench.state.waiting()[0][0].id, prompt(2).id);
}

#[test]
fn a_prompt_that_waits_is_changed_and_taken_back() {
    let mut bench = Bench::new();
    bench.runs(1);
    bench.submit(2);
    bench.submit(3);
    let text = "otherwise".to_owned();
    bench.input(Input::Edited { prompt: prompt(3).id, text: text.clone(), attachments: Vec::new() });
    assert_eq!(bench.input(Input::Withdraw { prompt: prompt(2).id, gone: true }), NOTHING);
    assert_eq!(bench.state.waiting(), [[Prompt { text, ..prompt(3) }]]);
    assert_eq!(bench.submit(2), NOTHING, "it is known");
    assert_eq!(bench.state.queued(), 1);
    // One whose submission is still under way is not run either.
    bench.input(Input::Withdraw { prompt: prompt(4).id, gone: true });
    bench.submit(4);
    assert_eq!(bench.state.queued(), 1);
}

#[test]
fn a_turn_that_waits_for_its_place_is_changed_and_taken_back() {
    let mut bench = Bench::new();
    bench.submit(1);
    bench.input(Input::Edited {
        prompt: prompt(1).id,
        text: "otherwise".to_owned(),
        attachments: Vec::new(),
    });
    let text = bench.state.running().and_then(|turn| turn.prompt.clone()).map(|prompt| prompt.text);
    assert_eq!(text.as_deref(), Some("otherwise"));
    let withdraw = Input::Withdraw { prompt: prompt(1).id, gone: true };
    assert_eq!(bench.input(withdraw), ["withdraw 1", "leave place"]);
    assert_eq!(bench.running(), None);
}

#[test]
fn a_turn_that_runs_is_what_it_was() {
    let mut bench = Bench::new();
    bench.runs(1);
    assert_eq!(bench.input(Input::Withdraw { prompt: prompt(1).id, gone: true }), NOTHING);
    assert_eq!(bench.record(result()), ["end 1: completed", "leave place"]);
}

#[test]
fn people_are_told_where_they_stand_once_they_have_waited_and_when_that_changes() {
    let mut bench = Bench::new();
    let told = |bench: &mut Bench| -> Vec<(u64, Option<usize>, bool)> {
        let now = bench.now();
        let of = |notice: Notice| {
            let number = super::bench::number(notice.prompt);
            (number, notice.waits.map(|waits| waits.behind), notice.is_new)
        };
        bench.state.notices(now).into_iter().map(of).collect()
    };
    bench.runs(1);
    bench.input(Input::Submit(wishing(2, Wish::Wait)));
    let other = |number| {
        let mut prompt = prompt(number);
        prompt.author.id.0 = number;
        Input::Submit(prompt)
    };
    bench.input(other(3));
    bench.input(other(4));
    assert_eq!(told(&mut bench), [], "most wait for a moment only");
    bench.after(2);
    assert_eq!(told(&mut bench), [(2, Some(0), true), (3, Some(1), true), (4, Some(2), true)]);
    bench.after(2);
    assert_eq!(told(&mut bench), []);
    bench.input(Input::Withdraw { prompt: prompt(3).id, gone: true });
    assert_eq!(told(&mut bench), [(4, Some(1), false), (3, None, false)]);
    bench.record(result());
    assert_eq!(told(&mut bench), [(4, Some(0), false), (2, None, false)]);
    // What an earlier daemon said is taken back as well.
    bench.state.was_told(prompt(9).id);
    assert_eq!(told(&mut bench), [(9, None, false)]);
}

#[test]
fn what_its_author_may_not_have_told_any_more_is_refused() {
    let mut bench = told_of_two();
    assert_eq!(bench.input(Input::NotTold(prompt(2).id)), ["refuse 2"]);
    let shown = bench.shown();
    assert!(shown.iter().any(|shown| shown.shown.reaction == Reaction::Failed), "{shown:?}");
    assert_eq!(bench.running(), Some(1));
    assert_eq!(bench.submit(2), NOTHING, "it is done");
    assert_eq!(
        bench.records([tool_result("t"), text("done"), result()]),
        ["end 1: completed", "leave place"]
    );
}

#[test]
fn what_may_not_be_told_for_all_that_is_known_waits_for_its_turn() {
    let mut bench = told_of_two();
    assert_eq!(bench.input(Input::WaitsInstead(prompt(2).id)), ["👀 on 2"]);
    let ended = bench.records([tool_result("t"), text("done"), result()]);
    assert_eq!(ended, ["end 1: completed", "leave place", "ask place"]);
    assert_eq!(bench.running(), Some(2));
}

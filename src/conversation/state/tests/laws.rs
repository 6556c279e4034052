//! What holds whatever happens, in any order. The laws themselves are asserted in [`World`].

use std::sync::LazyLock;

use proptest::prelude::*;

use super::world::{BARRED, World, is_input};
use crate::claude::dialogue::tests::replay::{names, records};
use crate::conversation::state::Input;
use crate::domain::prompt::Wish;
use crate::runner::{Exit, Record};

#[derive(Debug, Clone)]
enum Op {
    Submit {
        wish: Wish,
        author: u64,
        soon: bool,
    },
    Edit {
        which: u64,
        text: &'static str,
        dies: bool,
    },
    Withdraw {
        which: u64,
        dies: bool,
    },
    Place {
        fingerprint: u8,
    },
    Records(usize),
    /// Part of a trace of the real CLI, which has nothing to do with what was asked.
    Trace {
        from: usize,
        count: usize,
    },
    Stop,
    Reset,
    After {
        secs: u64,
    },
    Dies(Exit),
    Answer {
        dies: bool,
    },
    StartFails,
    /// Somebody chooses a model, and the CLI takes it, refuses it, or says nothing.
    Tune {
        model: u8,
        said: Option<bool>,
    },
    Restart {
        lost_on_the_way: bool,
    },
    /// Somebody is about to ask.
    Announce {
        room: bool,
        fingerprint: u8,
    },
    /// Others need the room.
    MakeRoom,
    NoRoom,
}

static TRACES: LazyLock<Vec<Record>> = LazyLock::new(|| {
    let all = names().into_iter().flat_map(|name| records(&name));
    // Nobody but us writes prompts, and an exit is an op of its own.
    all.filter(|record| !is_input(record) && !matches!(record, Record::Exit(_))).collect()
});

fn op() -> impl Strategy<Value = Op> {
    let exit = prop_oneof![
        Just(Exit::Lost),
        Just(Exit::Code { code: 0 }),
        Just(Exit::Code { code: 1 }),
        Just(Exit::Signal { signal: 9 }),
    ];
    let wish = prop_oneof![6 => Just(Wish::Wait), 3 => Just(Wish::Steer), 1 => Just(Wish::Interrupt)];
    prop_oneof![
        10 => (wish, 1..3_u64, prop::bool::weighted(0.8))
            .prop_map(|(wish, author, soon)| Op::Submit { wish, author, soon }),
        2 => (0..40_u64, prop_oneof![Just("/compact"), Just("otherwise")], any::<bool>())
            .prop_map(|(which, text, dies)| Op::Edit { which, text, dies }),
        2 => (0..40_u64, any::<bool>()).prop_map(|(which, dies)| Op::Withdraw { which, dies }),
        6 => (0..=BARRED).prop_map(|fingerprint| Op::Place { fingerprint }),
        8 => (1..7_usize).prop_map(Op::Records),
        2 => (0..TRACES.len(), 1..12_usize).prop_map(|(from, count)| Op::Trace { from, count }),
        2 => Just(Op::Stop),
        1 => Just(Op::Reset),
        3 => prop_oneof![0..20_u64, 0..700_u64].prop_map(|secs| Op::After { secs }),
        2 => any::<bool>().prop_map(|dies| Op::Answer { dies }),
        1 => exit.prop_map(Op::Dies),
        1 => Just(Op::StartFails),
        2 => (0..3_u8, any::<Option<bool>>()).prop_map(|(model, said)| Op::Tune { model, said }),
        2 => any::<bool>().prop_map(|lost_on_the_way| Op::Restart { lost_on_the_way }),
        3 => (prop::bool::weighted(0.8), 0..2_u8)
            .prop_map(|(room, fingerprint)| Op::Announce { room, fingerprint }),
        1 => Just(Op::MakeRoom),
        1 => Just(Op::NoRoom),
    ]
}

fn run(ops: Vec<Op>) {
    let mut world = World::new();
    for op in ops {
        match op {
            Op::Submit { wish, author, soon } => world.submit(wish, author, soon),
            Op::Edit { which, text, dies } => world.edits(which, text, dies),
            Op::Withdraw { which, dies } => world.withdraws(which, dies),
            Op::Place { fingerprint } => world.place(fingerprint),
            Op::Records(count) => {
                for _ in 0..count {
                    world.next_record();
                }
            }
            Op::Trace { from, count } => {
                for record in TRACES.iter().skip(from).take(count) {
                    world.says(record.clone());
                }
            }
            Op::Stop => world.input(Input::Stop),
            Op::Reset => world.input(Input::Reset),
            Op::After { secs } => world.after(secs),
            Op::Answer { dies } => world.answers(dies),
            Op::Dies(exit) => world.dies(exit),
            Op::Tune { model, said } => world.tune(model, said),
            Op::StartFails => world.start_fails = true,
            Op::Restart { lost_on_the_way } => world.restart(lost_on_the_way),
            Op::Announce { room, fingerprint } => world.announces(room, fingerprint),
            Op::MakeRoom => world.input(Input::MakeRoom),
            Op::NoRoom => world.no_room(),
        }
    }
    world.start_fails = false;
    world.finish();
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::default() })]

    /// Each prompt has exactly one end; one turn and one process at a time; a place for each turn, and none without;
    /// nothing is written to a process that is over; no ask is answered twice; whoever chooses hears what came of it; a restart at any moment changes none of it.
    #[test]
    fn whatever_happens_each_prompt_has_one_end(ops in proptest::collection::vec(op(), 1..60)) {
        run(ops);
    }
}

/// The law above found it: a turn that waits for a login, the CLI that goes into what it was told meanwhile, and fails.
#[test]
fn who_waits_for_a_login_is_not_forgotten_for_another_one() {
    let mut world = World::new();
    world.submit(Wish::Wait, 1, true);
    world.place(0);
    world.next_record();
    world.submit(Wish::Steer, 1, true);
    let no_login = names().into_iter().find(|name| name.contains("not-logged-in")).expect("the trace");
    let said = |record: &Record| !is_input(record) && !matches!(record, Record::Exit(_));
    for _ in 0..2 {
        records(&no_login).into_iter().filter(said).for_each(|record| world.says(record));
    }
    world.next_record();
    world.finish();
}

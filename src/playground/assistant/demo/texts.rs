//! The demo's longer texts.

use std::fmt::Write as _;

/// What can be tried.
pub const HELP: &str = "\
Hello! I am the demo assistant: everything around me is real, but there is no model behind my answers. Try one of these:

- `text` shows an answer with a list, a code block and a table
- `read` looks around in the directory
- `run the tests` shows how tool calls look
- `edit` really changes a file in the scratch directory
- `question` asks you something
- `plan` shows a plan for you to approve
- `permission` wants to do something that needs a yes
- `long job` works for a minute; stop it, or talk to me meanwhile
- `very long answer` fills several messages
- `fail` ends badly
- `remember` lists what you said before

For the real thing, install the `claude` CLI and start again.";

/// The honest answer.
pub const WHO: &str = "\
I am a **demo** built into this program. I am not Claude and no model is behind me: a few words in your message choose \
one of a dozen prepared answers. Install the `claude` CLI to talk to the real one.";

/// An answer with everything in it.
pub const TEXT: &str = "\
Here is what an answer can look like.

## A list

1. Read the code
2. Find the bug
   - reproduce it first
   - then write a test
3. Fix it, *carefully*

## Some code

```rust
/// Greets somebody by name.
fn greet(name: &str) -> String {
    format!(\"Hello, {name}!\")
}
```

## A table

| File | Lines | State |
|---|---:|---|
| `greeting.rs` | 12 | fixed |
| `main.rs` | 48 | unchanged |
| `tests.rs` | 120 | 12 passed |

> Quotes work too, and [links](https://example.com).";

/// The end of the scene with the tests.
pub const TESTED: &str = "\
One test failed at first: the greeting had no exclamation mark. Now all of them pass.

```
running 12 tests
............
test result: ok. 12 passed; 0 failed
```";

/// A text for several messages: chapters with prose, code and a list.
pub fn long() -> String {
    let mut text = String::from("# A very long answer\n");
    for chapter in 1..=12 {
        let _ = write!(
            text,
            "\n## Chapter {chapter}\n\n\
             This chapter says, at some length, what the chapters before it said as well: that a long answer is cut \
             into several messages, that no code block is torn, and that nothing gets lost on the way. It goes on for \
             a while, because otherwise it would not be long.\n\n\
             ```python\ndef chapter_{chapter}():\n    for page in range({chapter}):\n        print(\"page\", page)\n```\n\n\
             - first, chapter {chapter} begins\n- then it goes on\n- and then it ends\n"
        );
    }
    text.push_str("\nThat was the last chapter.");
    text
}

/// The plan of the plan scene.
pub const PLAN: &str = "# A new button\n\n1. Paint it in `button.css`\n2. Put it on the start page\n3. Run the tests\n\n\
    | file | change |\n|---|---|\n| `button.css` | 3 lines |\n| `start.html` | 1 line |\n";

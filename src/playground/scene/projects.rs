//! The scratch projects: small git repositories with something to talk about.

use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use anyhow::Context as _;

/// Files of a project: path and content.
type Files = &'static [(&'static str, &'static str)];

const HARBOR: Files = &[
    (
        "README.md",
        "# harbor-api\n\nTells which ships are in the port.\n\nRun the tests with `python3 -m unittest`.\n",
    ),
    (
        "harbor.py",
        "\"\"\"Which ships are in the port, and for how long.\"\"\"\n\n\ndef berths(ships, capacity):\n    \
         \"\"\"The ships that find a berth, longest first.\"\"\"\n    ordered = sorted(ships, key=lambda ship: \
         ship[\"length\"])\n    return ordered[:capacity]\n\n\ndef hours(arrived, left):\n    \"\"\"How long a ship \
         stayed, in hours.\"\"\"\n    return (left - arrived) / 60\n",
    ),
    (
        "test_harbor.py",
        "import unittest\n\nfrom harbor import berths, hours\n\n\nclass HarborTest(unittest.TestCase):\n    def \
         test_the_longest_ships_come_first(self):\n        ships = [{\"length\": 10}, {\"length\": 30}, {\"length\": \
         20}]\n        self.assertEqual([ship[\"length\"] for ship in berths(ships, 2)], [30, 20])\n\n    def \
         test_hours(self):\n        self.assertEqual(hours(0, 7200), 2)\n\n\nif __name__ == \"__main__\":\n    \
         unittest.main()\n",
    ),
    ("CLAUDE.md", "Keep functions short. Times are in seconds everywhere.\n"),
];

const LIGHTHOUSE: Files = &[
    ("README.md", "# lighthouse-web\n\nOne page: is the light on?\n"),
    (
        "index.html",
        "<!doctype html>\n<html lang=\"en\">\n<title>Lighthouse</title>\n<h1>Lighthouse</h1>\n<p id=\"state\">The light \
         is <b>off</b>.</p>\n<script src=\"light.js\"></script>\n</html>\n",
    ),
    (
        "light.js",
        "const hours = new Date().getHours();\nconst on = hours > 19 && hours < 6;\n\
         document.querySelector('#state b').textContent = on ? 'on' : 'off';\n",
    ),
];

/// Makes the project below `dir`, unless it is there already.
pub(super) fn make(dir: &Path, name: &str) -> anyhow::Result<PathBuf> {
    let project = dir.join(name);
    if project.is_dir() {
        return Ok(project);
    }
    std::fs::create_dir_all(&project).with_context(|| format!("failed to make {}", project.display()))?;
    let files = if name == "harbor-api" { HARBOR } else { LIGHTHOUSE };
    for (file, content) in files {
        std::fs::write(project.join(file), content).with_context(|| format!("failed to write {file}"))?;
    }
    // A project without git is a project all the same.
    let git = [
        &["init", "--quiet", "--initial-branch=main"][..],
        &["add", "."],
        &[
            "-c",
            "user.name=Tidewater",
            "-c",
            "user.email=tidewater@example.org",
            "commit",
            "--quiet",
            "-m",
            "Begin",
        ],
    ];
    for args in git {
        let done = Command::new("git")
            .args(args)
            .current_dir(&project)
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .status();
        if !done.is_ok_and(|status| status.success()) {
            tracing::warn!(project = name, "the scratch project has no git history: is git installed?");
            break;
        }
    }
    Ok(project)
}

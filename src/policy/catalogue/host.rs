//! What takes over the host or stops it, and what opens doors.

use super::Pattern;
use super::targets::{all_written, below_home, is_vital};
use crate::policy::shell::Part;

pub(super) static PATTERNS: &[Pattern] = &[
    Pattern {
        name: "halt-machine",
        why: "stops the machine, or every process on it",
        finds: |look| {
            look.any(|part| {
                part.is(&["shutdown", "reboot", "poweroff", "halt", "kexec"])
                    || (part.is(&["init", "telinit"]) && part.args().any(|arg| matches!(arg, "0" | "6")))
                    || (part.is(&["systemctl"])
                        && part.args().any(|arg| {
                            matches!(arg, "poweroff" | "reboot" | "halt" | "kexec" | "emergency" | "rescue")
                        }))
                    || (part.is(&["kill"]) && part.args().skip(1).any(|arg| arg == "-1"))
                    || part.is(&["killall5"])
            }) || all_written(look).iter().any(|path| path == "/proc/sysrq-trigger")
        },
        matches: &[
            "shutdown -h now",
            "sudo reboot",
            "systemctl poweroff",
            "kill -9 -1",
            "echo b > /proc/sysrq-trigger",
            "init 0",
            "sleep 5 && halt",
        ],
        passes: &["kill -9 1234", "kill -1 1234", "systemctl status nginx", "git init", "echo shutdown"],
    },
    Pattern {
        name: "fork-bomb",
        why: "starts itself until the machine stands still",
        finds: |look| look.script.is_some_and(|script| script.calls_itself),
        matches: &[":(){ :|:& };:", "bomb() { bomb | bomb & }; bomb", "f(){ f|f& };f"],
        passes: &["f() { echo hi; }; f", "build() { cargo build | tee log; }; build"],
    },
    Pattern {
        name: "open-everything",
        why: "changes who may read and write the system, a home or everything here",
        finds: |look| {
            look.any(|part| {
                part.is(&["chmod", "chown", "chgrp", "setfacl"])
                    && part.has_flag(&["-R", "--recursive"])
                    && part
                        .positional()
                        .skip(1)
                        .any(|target| is_vital(target) && !matches!(target, "." | "./" | "*" | "./*"))
            })
        },
        matches: &[
            "chmod -R 777 /",
            "sudo chown -R me:me /usr",
            "chmod -R 777 ~",
            "chmod --recursive a+rwx /etc",
        ],
        passes: &["chmod +x run.sh", "chmod -R u+w target", "chown -R me src"],
    },
    Pattern {
        name: "change-users",
        why: "makes somebody root, or changes who can log in",
        finds: |look| {
            look.any(|part| {
                part.is(&[
                    "useradd", "usermod", "adduser", "userdel", "passwd", "chpasswd", "visudo", "setcap",
                    "gpasswd",
                ]) || (part.is(&["chmod"])
                    && part.args().any(|arg| {
                        arg.contains("+s")
                            || (arg.len() == 4
                                && arg.starts_with(['4', '6', '2'])
                                && arg.chars().all(|c| c.is_ascii_digit()))
                    }))
            })
        },
        matches: &[
            "useradd -G sudo mallory",
            "chmod u+s /bin/bash",
            "chmod 4755 x",
            "echo a:b | chpasswd",
            "usermod -aG docker me",
        ],
        passes: &["chmod 755 x", "chmod 0644 a", "id", "whoami"],
    },
    Pattern {
        name: "login-files",
        why: "writes what runs or opens the door at the next login",
        finds: |look| {
            all_written(look).iter().any(|path| {
                below_home(path, look.context.home).is_some_and(|rest| {
                    rest.starts_with(".ssh")
                        || rest.starts_with(".config/systemd")
                        || rest.starts_with(".config/autostart")
                        || rest.starts_with(".config/fish")
                        || rest.starts_with(".local/bin/")
                        || rest.starts_with("Library/Launch")
                        || [
                            ".bashrc",
                            ".bash_profile",
                            ".bash_login",
                            ".bash_logout",
                            ".profile",
                            ".zshrc",
                            ".zshenv",
                            ".zprofile",
                            ".gitconfig",
                            ".npmrc",
                            ".pypirc",
                            ".netrc",
                            ".pam_environment",
                            ".inputrc",
                            ".config/git/config",
                            ".claude.json",
                        ]
                        .contains(&rest)
                })
            }) || look.any(|part| {
                part.is(&["ssh-copy-id"])
                    || (part.is(&["git"])
                        && part.has_words(&["config"])
                        && part.has_flag(&["--global", "--system"]))
            })
        },
        matches: &[
            "echo 'ssh-ed25519 AAAA' >> ~/.ssh/authorized_keys",
            "echo alias >> $HOME/.bashrc",
            "cp x /home/mara/.profile",
            "tee -a ~/.zshrc < x",
            "Edit:/home/mara/.bashrc",
            "Write:~/.ssh/config",
            "git config --global core.pager x",
            "sed -i s/a/b/ ~/.bash_profile",
            "ln -s x ~/.config/systemd/user/a.service",
        ],
        passes: &[
            "cat ~/.bashrc",
            "Edit:/srv/p/src/main.rs",
            "ls ~/.ssh",
            "git config user.name x",
            "Edit:/srv/p/.profile",
        ],
    },
    Pattern {
        name: "system-files",
        why: "writes outside of projects and homes, into the system",
        finds: |look| {
            all_written(look).iter().any(|path| {
                let inside = |dir: &str| path.starts_with(dir);
                [
                    "/etc/",
                    "/usr/",
                    "/boot/",
                    "/bin/",
                    "/sbin/",
                    "/lib",
                    "/sys/",
                    "/proc/sys/",
                    "/var/spool/",
                    "/opt/",
                    "/root/",
                ]
                .iter()
                .any(|dir| inside(dir))
                    && !path.starts_with(&format!("{}/", look.context.dir))
                    && look.context.home.is_none_or(|home| !path.starts_with(&format!("{home}/")))
            })
        },
        matches: &[
            "echo x > /etc/hosts",
            "sudo cp a /usr/local/bin/b",
            "tee /etc/sudoers.d/x < y",
            "Edit:/etc/passwd",
            "sed -i s/a/b/ /etc/ssh/sshd_config",
            "curl -o /usr/bin/x http://e",
        ],
        passes: &[
            "cat /etc/hosts",
            "cp /etc/hosts .",
            "Read:/etc/hosts",
            "ls /usr > list.txt",
            "/usr/bin/env python x.py",
        ],
    },
    Pattern {
        name: "run-later",
        why: "has something run later, when nobody looks",
        finds: |look| {
            look.any(|part| {
                (part.is(&["crontab"]) && !part.args().eq(["-l"]))
                    || part.is(&["at", "batch", "launchctl"])
                    || (part.is(&["systemctl"])
                        && part
                            .args()
                            .any(|arg| matches!(arg, "enable" | "link" | "edit" | "set-environment")))
                    || (part.is(&["systemd-run"]) && part.args().any(|arg| arg.starts_with("--on-")))
            })
        },
        matches: &[
            "crontab -r",
            "echo '* * * * * x' | crontab -",
            "at now + 1 hour",
            "systemctl --user enable x",
            "systemd-run --on-active=1h x",
        ],
        passes: &["crontab -l", "systemctl status cron", "cat crontab.txt"],
    },
    Pattern {
        name: "hide-tracks",
        why: "removes or stops the records of what is done",
        finds: |look| {
            look.any(hides_tracks)
                || look.script.is_some_and(|script| {
                    script.sets.iter().any(|(name, _)| {
                        matches!(name.as_str(), "HISTFILE" | "HISTSIZE" | "HISTCONTROL" | "HISTFILESIZE")
                    })
                })
                || all_written(look)
                    .iter()
                    .any(|path| path.ends_with("_history") || path.starts_with("/var/log/"))
        },
        matches: &[
            "history -c",
            "unset HISTFILE",
            "HISTFILE=/dev/null bash",
            "set +o history",
            "rm ~/.bash_history",
            "auditctl -e 0",
            "setenforce 0",
            "systemctl stop auditd",
            "ufw disable",
            "iptables -F",
            "journalctl --vacuum-time=1s",
            "truncate -s 0 /var/log/syslog",
            "export HISTSIZE=0",
        ],
        passes: &[
            "history",
            "git log",
            "journalctl -u x",
            "cat /var/log/syslog",
            "set -o pipefail",
            "ufw status",
        ],
    },
];

fn hides_tracks(part: &Part) -> bool {
    let has = |words: &[&str]| part.args().any(|arg| words.contains(&arg));
    match part.program() {
        "history" => part.has_flag(&["-c", "-d", "-w"]),
        "unset" | "export" | "declare" | "typeset" => part.args().any(|arg| arg.starts_with("HIST")),
        "set" | "shopt" => part.has_words(&["+o", "history"]) || part.has_words(&["-u", "histappend"]),
        "auditctl" => part.has_flag(&["-D", "-e", "-d"]),
        "setenforce" => has(&["0", "Permissive"]),
        "systemctl" | "service" => {
            has(&["stop", "disable", "mask"])
                && part.args().any(|arg| {
                    [
                        "auditd",
                        "rsyslog",
                        "systemd-journald",
                        "ufw",
                        "firewalld",
                        "fail2ban",
                        "apparmor",
                        "switchboard",
                    ]
                    .iter()
                    .any(|name| arg.starts_with(name))
                })
        }
        "ufw" => has(&["disable", "reset"]),
        "iptables" | "ip6tables" => part.has_flag(&["-F", "--flush", "-X"]),
        "nft" => has(&["flush"]),
        "journalctl" => part.args().any(|arg| arg.starts_with("--vacuum")),
        _ => false,
    }
}

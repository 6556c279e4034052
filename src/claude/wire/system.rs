//! Lines that say something about the process or the turn.

use super::lenient::lenient_struct;

lenient_struct!(
    /// `system/init`.
    Init {
        /// The session in use.
        session_id: String = "session_id",
        /// The working directory; links are resolved.
        cwd: String = "cwd",
        /// The model's full id.
        model: String = "model",
        /// The permission mode.
        permission_mode: String = "permissionMode",
        /// The CLI's version.
        version: String = "claude_code_version",
        /// Slash commands, without the slash.
        slash_commands: Vec<String> = "slash_commands",
        /// MCP servers with their state.
        mcp_servers: Vec<McpServer> = "mcp_servers",
    }
);

lenient_struct!(
    /// An MCP server in `system/init`.
    McpServer {
        /// Its name.
        name: String = "name",
        /// `connected`, `failed`, `needs-auth`, `pending` …
        status: String = "status",
    }
);

lenient_struct!(
    /// `system/status`.
    Status {
        /// `requesting`, `compacting`, or nothing.
        status: Option<String> = "status",
        /// Present when it changed.
        permission_mode: Option<String> = "permissionMode",
    }
);

lenient_struct!(
    /// `system/api_retry`.
    ApiRetry {
        /// Which attempt comes, from 1.
        attempt: u32 = "attempt",
        /// How many at most.
        max_retries: u32 = "max_retries",
        /// When it comes, in milliseconds.
        retry_delay_ms: f64 = "retry_delay_ms",
        /// The reason in a word.
        error: String = "error",
    }
);

lenient_struct!(
    /// `system/model_fallback`.
    ModelFallback {
        /// The model that failed.
        original_model: String = "original_model",
        /// The model that stands in.
        fallback_model: String = "fallback_model",
    }
);

lenient_struct!(
    /// `system/permission_denied`.
    PermissionDenied {
        /// The tool.
        tool_name: String = "tool_name",
        /// Why, in words for the model.
        message: String = "message",
        /// The use of the tool.
        tool_use: String = "tool_use_id",
        /// What refused: `mode`, `rule`, `hook` …
        reason_kind: Option<String> = "decision_reason_type",
    }
);

lenient_struct!(
    /// `system/hook_response`: a hook has ended.
    HookResponse {
        /// The line's id.
        uuid: String = "uuid",
        /// `PreToolUse:Bash`, `Stop` …
        hook_name: String = "hook_name",
        /// `PreToolUse`, `Stop` …
        hook_event: String = "hook_event",
        /// What it said to the CLI.
        stdout: String = "stdout",
        /// What else it said.
        stderr: String = "stderr",
        /// How it exited.
        exit_code: Option<i64> = "exit_code",
    }
);

lenient_struct!(
    /// `system/task_started`.
    TaskStarted {
        /// Its id.
        task_id: String = "task_id",
        /// The tool use that began it.
        tool_use_id: Option<String> = "tool_use_id",
        /// What it does.
        description: String = "description",
    }
);

lenient_struct!(
    /// `system/task_updated`.
    TaskUpdated {
        /// Its id.
        task_id: String = "task_id",
        /// What changed.
        patch: TaskPatch = "patch",
    }
);

lenient_struct!(
    /// What changed about a task.
    TaskPatch {
        /// `completed`, `failed`, `stopped`, `killed`, `running` …
        status: Option<String> = "status",
    }
);

lenient_struct!(
    /// `system/task_notification`.
    TaskNotification {
        /// Its id.
        task_id: String = "task_id",
    }
);

lenient_struct!(
    /// `rate_limit_event`.
    RateLimit {
        /// The facts.
        info: RateLimitInfo = "rate_limit_info",
    }
);

lenient_struct!(
    /// The facts of a usage limit.
    RateLimitInfo {
        /// `allowed`, `allowed_warning`, `rejected`.
        status: String = "status",
        /// Seconds since the epoch.
        resets_at: Option<i64> = "resetsAt",
        /// `five_hour`, `seven_day` …
        kind: Option<String> = "rateLimitType",
    }
);

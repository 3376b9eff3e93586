"""Access: who may come in, and what they may do there.

Users with passwords, their sessions and bearer tokens, the first-run link; roles and permissions. Every door
turns what it is shown into an `Actor`, and every verb of every feature asks that actor for one permission.
Not here: cookies and headers (`edge/http`), which DICOM peers are known (`nodes`), the audit trail itself
(`audit`, which stands above and is handed in). Start at `sign_in.sign_in` and `model.Actor`.
Invariant: no secret is kept, only digests and argon2id hashes.
"""

from filmless.features.access.access import Access, RecordAudit
from filmless.features.access.errors import (
    LastAdministrator,
    PasswordRefused,
    SessionEnded,
    SessionNotFound,
    SetupIsOver,
    SetupTokenRefused,
    SignInLocked,
    TokenNotFound,
    TokenRefused,
    UserNameRefused,
    UserNameTaken,
    UserNotFound,
    WrongCredentials,
)
from filmless.features.access.model import (
    ROLE_PERMISSIONS,
    Actor,
    ActorKind,
    Permission,
    Role,
    Session,
    SignedIn,
    Token,
    User,
    node_actor,
    system_actor,
    user_actor,
)
from filmless.features.access.passwords import PasswordHashes
from filmless.features.access.sessions import (
    actor_of_session,
    end_session,
    get_session,
    list_sessions,
    recent_session,
    revoke_session,
)
from filmless.features.access.setup import complete_setup, create_setup_token, setup_is_needed
from filmless.features.access.sign_in import SignInAttempt, change_own_password, sign_in
from filmless.features.access.tokens import (
    actor_of_token,
    create_token,
    list_tokens,
    recent_token_actor,
    revoke_token,
)
from filmless.features.access.users import NewUser, add_user, disable_user, list_users, set_password

__all__ = [
    "ROLE_PERMISSIONS",
    "Access",
    "Actor",
    "ActorKind",
    "LastAdministrator",
    "NewUser",
    "PasswordHashes",
    "PasswordRefused",
    "Permission",
    "RecordAudit",
    "Role",
    "Session",
    "SessionEnded",
    "SessionNotFound",
    "SetupIsOver",
    "SetupTokenRefused",
    "SignInAttempt",
    "SignInLocked",
    "SignedIn",
    "Token",
    "TokenNotFound",
    "TokenRefused",
    "User",
    "UserNameRefused",
    "UserNameTaken",
    "UserNotFound",
    "WrongCredentials",
    "actor_of_session",
    "actor_of_token",
    "add_user",
    "change_own_password",
    "complete_setup",
    "create_setup_token",
    "create_token",
    "disable_user",
    "end_session",
    "get_session",
    "list_sessions",
    "list_tokens",
    "list_users",
    "node_actor",
    "recent_session",
    "recent_token_actor",
    "revoke_session",
    "revoke_token",
    "set_password",
    "setup_is_needed",
    "sign_in",
    "system_actor",
    "user_actor",
]

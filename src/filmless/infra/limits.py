"""Every maximum in one place, each with its reason.

Nothing that comes from outside is waited for, kept or counted without a bound named here. Pure `standards`
code keeps its own bounds at the top of the module concerned, because it may not import this one.
"""

KIB = 1024
MIB = 1024 * KIB
GIB = 1024 * MIB

# --- DICOM -----------------------------------------------------------------------------------------------
ASSOCIATIONS_MAX = 256  # A modality opens 2-4; 60 modalities on a Monday morning fit, each costs one thread.
REJECTIONS_AT_ONCE_MAX = 16  # Beyond the limit callers are told so, by a few threads; beyond those, cut off.
ASSOCIATIONS_PER_NODE_MAX = 64  # One broken sender in a loop must not take every place.
UNKNOWN_CALLERS_MAX = 500  # A list a person reads; a scanner that invents titles fills it and no more.
REFUSAL_WRITE_SECONDS_MIN = 5  # Between two writings of who was turned away: ingest does not notice them.
REFUSALS_HELD_MAX = 64  # Different callers noted between two writings; more is an attack: only counted.
NAME_LOOKUP_SECONDS_MAX = 2  # For the address of a caller's host; then what was known before is used.
NAME_LOOKUPS_AT_ONCE_MAX = 8  # Threads that wait for a name server; with a dead one no more are started.
NAME_KNOWN_SECONDS_MAX = 60  # A device that moved is let in again within a minute.
ASSOCIATION_IDLE_SECONDS_MAX = 300  # Modalities keep an association open between images of a slow exam.
ASSOCIATION_REQUEST_SECONDS_MAX = 10  # ARTIM: a peer that connects and stays silent is dropped.
ANSWER_SECONDS_MAX = 60  # A peer that was asked something on its own association and says nothing is gone.
IDENTIFIER_BYTES_MAX = 32 * MIB  # A storage commitment of 100,000 instances has 15 MiB.
QUERY_BYTES_MAX = 1 * MIB  # A thousand keys, or ten thousand UIDs in one; many may ask at once.
SEND_ASSOCIATIONS_MAX = 4  # To one destination at once: beyond it the peer's disk is what is waited for.
SEND_OPERATIONS_MAX = 8  # In flight on one association, where the peer agrees; keeps its socket full.
SEND_SECONDS_MAX = 60  # A peer that does not read must not pin a thread for ever.
TRANSMISSIONS_AT_ONCE_MAX = 4  # By one worker, each to another node: its other threads do all other work.
REMOTE_MATCHES_MAX = 5000  # Told to one of us from one query of another archive; nobody reads more.
REMOTE_ANSWERS_MAX = 20_000  # Read of one query: peers that repeat themselves, or ignore our keys, end here.
REMOTE_ANSWERS_AFTER_CANCEL_MAX = 1000  # What may be under way when a peer hears that it is enough.
REMOTE_FAILED_UIDS_MAX = 10_000  # Kept of a retrieval that failed; the counts tell of the rest.
RETRIEVE_SILENCE_SECONDS_MAX = 300  # Archives fetch old studies from tape before they say anything.
CHECK_CONNECT_SECONDS_MAX = 5  # A person watches: a machine in the house that takes longer is not there.
CHECK_ANSWER_SECONDS_MAX = 20  # The same; an honest archive has answered a query for one UID by then.
CHECK_OBJECTION_SECONDS = 0.5  # To a certificate of ours: comes with the next packet, or not at all.
REMOTE_QUERIES_AT_ONCE_MAX = 8  # By people, in one web process: each holds a thread while a peer thinks.
PULLS_AT_ONCE_MAX = 2  # In one worker process: its other threads do all other work.
PULL_ATTEMPTS_MAX = 3  # Somebody waits for it: after a minute and a half of trying, it is theirs again.
PULL_SERIES_MAX = 100  # Named in one request; whoever wants more wants the study.
PULL_PROGRESS_SECONDS = 1.0  # Between two notes of how far it is: each is a write, and a person looks on.
PULL_KEEP_SECONDS = 30 * 24 * 3600  # Ended pulls can be looked up for a month; audit has all.
RECEIVE_BUFFER_BYTES = 512 * KIB  # One buffer an association: a whole CT slice in few recv calls.
HEADER_BYTES_MAX = 16 * MIB  # Attributes before Pixel Data; enhanced multi-frame headers reach some MiB.
INSTANCE_BYTES_MAX = 16 * GIB  # A long video or a whole-slide level; above it the sender is told A700.
PART10_PREFIX_BYTES = 64 * KIB  # First look at a stored object: the header of an ordinary image fits.

# --- Storage commitment and availability -----------------------------------------------------------------
COMMITMENT_INSTANCES_MAX = 100_000  # In one request; a day of whole-slide levels and CTs is sent in parts.
COMMITMENT_SLICE_BYTES = 1 * GIB  # Read again in one job: seconds of a disk, then other background work.
COMMITMENT_QUICK_INSTANCES_MAX = 1000  # Looked at while the asker waits on its association: one look-up.
COMMITMENT_QUICK_BYTES_MAX = 64 * MIB  # The same: a tenth of a second from a cache, below one from a disk.
COMMITMENT_FALLBACK_SECONDS = 60  # Then a job does what an association that went away has not.
COMMITMENT_REPORT_WAIT_SECONDS = 2  # We listen this long after asking, for nodes that report on the spot.
COMMITMENT_ANSWER_SECONDS_MAX = 24 * 3600  # Archives that copy to tape first answer over night.
COMMITMENT_KEEP_SECONDS = 90 * 24 * 3600  # Finished requests can be looked up for a quarter; audit has all.
STUDY_QUIET_SECONDS = 60  # Modalities send the next series within this; later ones make a second notice.

# --- Disk ------------------------------------------------------------------------------------------------
DISK_FREE_BYTES_MIN = 512 * MIB  # Below this nothing more is received: the database needs room to say so.

# --- Ingest ----------------------------------------------------------------------------------------------
SYNCS_AT_ONCE_MAX = 32  # Objects made durable at the same time; a disk gains nothing from more.
COMMIT_BATCH_INSTANCES_MAX = 64  # One transaction may carry this many instances of several associations.

ORPHAN_SECONDS_MIN = 3600  # An object without a row may be one that is just being received.

# --- HTTP ------------------------------------------------------------------------------------------------
JSON_BODY_BYTES_MAX = 1 * MIB  # The largest honest JSON request of the web app is a few KiB.
STOW_BODY_BYTES_MAX = 64 * GIB  # A whole study in one request; parts stream to disk, none is kept in memory.
QUERY_RESULTS_DEFAULT = 100  # A page of a study list.
QUERY_RESULTS_MAX = 1000  # One answer of QIDO; more is asked for with offset, and Warning 299 says so.
RENDER_SECONDS_MAX = 20  # A thumbnail takes milliseconds; this long takes an attack or a damaged file.
RENDER_MEMORY_BYTES_MAX = 2 * GIB  # A 50-megapixel colour frame with its floating-point copies fits.
LIVE_STREAMS_MAX = 500  # Open study lists that are kept up to date at once, per web process.

# --- Sign-in ---------------------------------------------------------------------------------------------
PASSWORD_CHARACTERS_MIN = 10  # NIST SP 800-63B asks for 8; we add two and drop composition rules.
PASSWORD_CHARACTERS_MAX = 256  # argon2 cost grows with nothing, but a megabyte password is not a password.
SIGN_IN_FAILURES_MAX = 5  # Then the account and address wait.
SIGN_IN_LOCK_SECONDS = 300  # Five guesses in five minutes: no dictionary fits; a person gets a coffee.
SESSION_IDLE_SECONDS_MAX = 8 * 3600  # A reading shift with a lunch break.
SESSION_SECONDS_MAX = 24 * 3600  # Then sign in again, however busy.
PASSWORD_HASHES_AT_ONCE_MAX = 2  # Each argon2id verification takes 64 MiB and a core.

# --- Jobs ------------------------------------------------------------------------------------------------
JOB_LEASE_SECONDS = 120  # A worker that has not finished or renewed by then is taken for dead.
JOB_SECONDS_MAX = 3600  # A job still running then is stuck: its lease is let go and another worker may try.
JOB_ATTEMPTS_MAX = 8  # With the back-off below: parked after more than three hours of trying.
JOB_BACK_OFF_SECONDS_MIN = 15  # After the first failure; four times longer after each further one.
JOB_BACK_OFF_SECONDS_MAX = 3600  # What was mended is tried again within the hour.
JOB_POSTPONE_SECONDS_MAX = 60  # A series that never stops growing is still prepared once a minute.
JOB_KEEP_SECONDS = 24 * 3600  # Done jobs can be looked at for a day.
OUTBOX_BATCH_FACTS_MAX = 200  # Told in one transaction: short enough that ingest does not wait for it.
TRIM_ROWS_MAX = 1000  # Old rows deleted in one transaction, for the same reason.
OUTBOX_KEEP_SECONDS = 7 * 24 * 3600  # Announced facts stay readable for a week after all reactions ran.

# --- Database --------------------------------------------------------------------------------------------
DATABASE_BUSY_SECONDS_MAX = 30  # Waiting for another process's write before giving up as Unavailable.

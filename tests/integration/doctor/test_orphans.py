"""What `longscribe doctor` says of files that nobody needs, and of rows without files."""

from __future__ import annotations

from shared import jobs
from shared.cli.doctor import examine as doctor
from shared.cli.doctor.finding import Level
from shared.db import Database
from shared.models import LOCAL_OWNER, new_id
from shared.quotas.limits import UNLIMITED
from shared.settings import Settings
from shared.states import JobStatus
from shared.storage import space_reservations, uploads
from shared.storage.blob_store import key_of
from shared.storage.identity import adopt_storage
from shared.storage.local.folder import LocalFolder
from tests.integration.doctor.findings import (
    HOUR,
    aged,
    aged_folder,
    all_of,
    of,
    stored,
)
from tests.support import factories


class TestOrphans:
    def test_an_upload_that_somebody_may_go_on_with_is_no_leftover(
        self, settings: Settings, db: Database
    ) -> None:
        store = LocalFolder(settings.recordings_dir, min_free_bytes=0)
        for upload_id in (ids := [new_id(), new_id(), new_id()]):
            store.begin_upload(upload_id)
            aged((store.root / "uploads") / upload_id)
        going_on, whole, stray = ids
        for upload_id in (going_on, whole):
            uploads.create(
                db,
                upload_id=upload_id,
                owner_id="local",
                size_bytes=9,
                filename="a.wav",
                described="",
                kept_s=3600,
                room=space_reservations.room_of(store, UNLIMITED),
            )
        # As a crash between taking its place and getting its job leaves it.
        place = store.root / key_of(whole)
        place.parent.mkdir(exist_ok=True)
        ((store.root / "uploads") / whole).rename(place)
        factories.submit(db, blob=stored(settings))

        [found] = all_of(doctor.examine(settings), "orphans")
        assert found.finding.startswith("1 unfinished uploads without a row")
        assert stray in found.finding
        doctor.examine(settings, delete_orphans=True)
        assert [path.name for path in (store.root / "uploads").iterdir()] == [going_on]
        assert place.exists()

    def test_leftovers_are_reported_and_removed_only_when_asked_for(
        self, settings: Settings, db: Database
    ) -> None:
        root = settings.recordings_dir
        known = stored(settings)
        factories.submit(db, blob=known)
        orphan, young = stored(settings), stored(settings, age_s=60)
        partial = root / "incoming" / "half"
        partial.write_bytes(b"half")
        aged(partial)
        receiving = root / "incoming" / "receiving"
        receiving.write_bytes(b"half")
        others = root / "notes.txt"
        others.write_text("put there by a person")
        aged(others)
        leftover = settings.work_dir / "0199-gone"
        leftover.mkdir(parents=True)
        (leftover / "audio.pcm").write_bytes(b"x" * 1000)
        aged(leftover)

        found = doctor.examine(settings)
        orphans = all_of(found, "orphans")
        assert {one.level for one in orphans} == {Level.WARNING}
        assert [one.finding.partition(",")[0] for one in orphans] == [
            "1 recordings without a row",
            "1 partial uploads",
            "1 work folders of jobs that nobody runs",
        ]
        assert str(root / orphan.key) in orphans[0].finding
        everything = [root / orphan.key, partial, leftover]
        assert all(path.exists() for path in everything)

        found = doctor.examine(settings, delete_orphans=True)
        assert {one.level for one in all_of(found, "orphans")} == {Level.OK}
        assert not any(path.exists() for path in everything)
        for kept in (root / known.key, root / young.key, receiving, others):
            assert kept.exists(), kept
        assert of(doctor.examine(settings), "orphans").finding == "none; 2 recordings, 1 rows"

    def test_a_playable_copy_belongs_to_its_recording_before_and_after_it_is_there(
        self, settings: Settings, db: Database
    ) -> None:
        factories.submit(db, blob=stored(settings))
        claimed = factories.claim(db)
        copy = stored(settings)
        jobs.plan_playable_copy(db, claimed, copy.key)
        found = of(doctor.examine(settings, delete_orphans=True), "orphans")
        assert found.finding == "none; 1 recordings, 1 rows"
        jobs.store_playable_copy(db, claimed, jobs.PlayableCopy(copy.key, 5, "audio/webm"))
        found = of(doctor.examine(settings, delete_orphans=True), "orphans")
        assert found.finding == "none; 1 recordings, 1 rows"
        assert (settings.recordings_dir / copy.key).exists()

    def test_the_folder_of_a_running_job_stays_however_old_it_is(
        self, settings: Settings, db: Database
    ) -> None:
        blob = stored(settings)
        job_id = factories.a_job(db, JobStatus.PROCESSING, blob=blob)
        folder = settings.work_dir / f"{job_id}-abc"
        folder.mkdir(parents=True)
        aged(folder, 9 * HOUR)
        found = doctor.examine(settings, delete_orphans=True)
        assert of(found, "orphans").level is Level.OK
        assert folder.exists()

    def test_a_wrong_database_does_not_cost_a_recording(
        self, settings: Settings, db: Database
    ) -> None:
        blob = stored(settings)
        other = stored(settings)
        working = aged_folder(settings)
        found = doctor.examine(settings, delete_orphans=True)
        for one in all_of(found, "orphans"):
            assert one.level is Level.WARNING
            assert "LONGSCRIBE_DATABASE_URL" in one.what_to_do
        assert (settings.recordings_dir / blob.key).exists()
        assert (settings.recordings_dir / other.key).exists()
        assert working.exists()

    def test_rows_without_their_recording_are_a_problem_while_jobs_need_it(
        self, settings: Settings, db: Database
    ) -> None:
        adopt_storage(db, LocalFolder(settings.recordings_dir, min_free_bytes=0))
        over = factories.a_job(db, JobStatus.COMPLETED)
        waiting = factories.submit(db)
        found = all_of(doctor.examine(settings, delete_orphans=True), "orphans")
        assert [one.level for one in found] == [Level.PROBLEM, Level.WARNING]
        assert waiting in found[0].finding
        assert over in found[1].finding
        assert jobs.get_job(db, owner_id=LOCAL_OWNER, job_id=waiting).job.status == "queued"

"""`longscribe bench` without a model: its arithmetic, its columns, its JSON, its refusals."""

from __future__ import annotations

import json
import sys
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from typer.testing import CliRunner

from shared.cli import worker_commands as command
from shared.cli.main import app as longscribe
from shared.errors import NoAudio, OutOfMemory, UnsupportedMedia
from shared.settings import Settings
from shared.states import BatchLimit
from tests.support.doubles.stub_recogniser import STUB_IDENTITY, StubRecogniser
from tests.support.stack_without_http import as_wav
from tests.support.thorough import needs
from worker.batching.choose_size import BatchSizeDecision
from worker.bench import measure as measuring
from worker.bench import plot
from worker.bench.command import app, parse_sizes
from worker.bench.measure import measure
from worker.bench.report import as_text
from worker.bench.results import (
    CannotMeasure,
    Cost,
    MachineFacts,
    Measurement,
    RecordingFacts,
    SizeResult,
    StockResult,
)
from worker.bench.stock_process import StockRuns, only_words, run_stock
from worker.bench.stopwatch import Stopwatch
from worker.recogniser import SAMPLE_RATE


def size_result(asked: str, batch_size_s: float, wall_s: float, differing: int = 0) -> SizeResult:
    decision = BatchSizeDecision(
        batch_size_s=batch_size_s,
        limited_by=BatchLimit.SETTING,
        length_ceiling_s=batch_size_s,
        sized_for_s=None,
        memory_cap_s=5_000.0,
        headroom_bytes=8_000_000_000,
        jobs_at_once=1,
        memory_is_measured=False,
        learned_ceiling_s=None,
        predicted_peak_bytes=600_000_000,
    )
    return SizeResult(
        asked=asked,
        decision=decision,
        recognition=Cost(wall_s, 2 * wall_s),
        peak_bytes=int(1e9 + 1e6 * batch_size_s),
        batches=4,
        padding=1.05,
        largest_batch_s=0.9 * batch_size_s,
        oom_retries=0,
        segments_differing=differing,
        times_equal=not differing,
    )


def measurement() -> Measurement:
    return Measurement(
        recording=RecordingFacts("meeting.m4a", seconds=600.0, segments=90, speech_s=500.0),
        machine=MachineFacts(
            "Some CPU", 8, 8, "AVX2; torch takes AVX2", "3.11.7", "2.13.0", "1.4.16"
        ),
        model=STUB_IDENTITY,
        decode=Cost(3.0, 4.0),
        voice_activity=Cost(1.0, 1.0),
        punctuation=Cost(1.0, 1.5),
        sizes=(
            size_result("alone", 1, 18.0),
            size_result("60", 60, 8.0),
            size_result("auto", 400, 10.0, differing=3),
        ),
        stock=(
            StockResult(None, Cost(40.0, 80.0), 3_000_000_000, same_words=True),
            StockResult(600.0, Cost(20.0, 20.0), 9_000_000_000, False, failure="out of memory"),
        ),
    )


class TestFigures:
    def test_a_whole_run_is_all_but_decoding(self) -> None:
        measured = measurement()
        assert measured.whole(measured.sizes[1]) == Cost(10.0, 18.5)

    def test_real_time_counts_the_clock_and_not_the_processor(self) -> None:
        assert Cost(10.0, 80.0).times_real_time(600.0) == 60.0
        assert Cost(0.0, 0.0).times_real_time(600.0) == 0.0

    def test_a_stopwatch_counts_processor_time_and_waiting_apart(self) -> None:
        with Stopwatch() as watch:
            sum(range(2_000_000))
        assert 0 < watch.cost.cpu_s <= watch.cost.wall_s + 0.1

    def test_marks_spaces_case_and_unknown_tokens_are_no_words(self) -> None:
        assert only_words("我们用 GPU， <unk>很快。") == only_words("我们用gpu很快")

    def test_stock_s_words_are_compared_with_ours(self) -> None:
        run = {
            "batch_size_s": None,
            "whole": {"wall_s": 1.0, "cpu_s": 1.0},
            "peak_bytes": 1,
            "text": "一 二，三。",
            "failure": "",
        }
        assert StockRuns([run]).results("一二三")[0].same_words
        assert not StockRuns([run]).results("一二四")[0].same_words


class TestReport:
    def lines(self) -> list[str]:
        return as_text(measurement()).splitlines()

    def row(self, name: str) -> list[str]:
        (row,) = [line for line in self.lines() if line.startswith(name + "  ")]
        return row.removeprefix(name).split()

    def test_a_row_for_each_size_with_its_figures_and_units(self) -> None:
        assert self.row("60") == [
            *("8.00", "16.00", "10.00", "18.50", "60.0", "1.06", "GB", "4", "1.050", "54.0", "yes")
        ]

    def test_a_size_that_was_chosen_shows_what_it_is_and_why(self) -> None:
        assert self.row("auto: 400")[-5:] == ["360.0", "no,", "3", "of", "90"]
        assert (
            "auto: 400: limited by the setting; the setting asks for 400 s, "
            "8.00 GB of free memory 5,000 s." in self.lines()
        )

    def test_stock_stands_beside_it_and_says_when_it_failed(self) -> None:
        assert self.row("stock, alone")[2:5] == ["40.00", "80.00", "15.0"]
        assert self.row("stock, 600")[-1] == "failed"
        assert "Stock FunASR failed: out of memory." in self.lines()

    def test_the_columns_are_flush(self) -> None:
        table = [line for line in self.lines() if line.startswith(("batch_size_s", "60  "))]
        assert [line.index(word) for line, word in zip(table, ("CPU s", "16.00"), strict=True)] == [
            table[0].index("CPU s")
        ] * 2

    def test_the_instructions_are_named_without_which_figures_mean_little(self) -> None:
        assert "           instructions: AVX2; torch takes AVX2" in self.lines()

    def test_stages_have_rows_of_their_own(self) -> None:
        assert self.row("decode") == ["3.00", "4.00"]
        assert self.row("punctuation") == ["1.00", "1.50"]


def test_stock_funasr_that_ends_is_a_result(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sys, "executable", "false")
    (run,) = run_stock(Settings(), tmp_path / "audio.pcm", [60.0], tmp_path).results("一")
    assert run.failure == "exit status 1"
    assert not run.same_words


def test_json_holds_what_the_table_shows() -> None:
    value = json.loads(json.dumps(measurement().to_json()))
    assert set(value) == {"recording", "machine", "model", "repeat", "stages", "sizes", "stock"}
    assert value["stages"]["decode"] == {"wall_s": 3.0, "cpu_s": 4.0}
    assert set(value["sizes"][0]) == {
        *("asked", "decision", "recognition", "whole", "x_real_time", "peak_bytes", "batches"),
        *("padding", "largest_batch_s", "oom_retries", "segments_differing", "times_equal"),
        "same_text",
    }
    assert [size["same_text"] for size in value["sizes"]] == [True, True, False]
    assert value["sizes"][1]["x_real_time"] == 60.0
    assert value["sizes"][1]["decision"]["limited_by"] == "setting"
    assert value["stock"][0]["x_real_time"] == 15.0
    assert value["stock"][1]["failure"] == "out of memory"


class TestSizes:
    def test_numbers_and_auto_in_their_order_and_once(self) -> None:
        assert parse_sizes("60, 300.0,AUTO,300,1.5") == ["60", "300", "auto", "1.5"]

    @pytest.mark.parametrize("text", ["", "60,", "sixty", "0", "-60", "nan", "inf", "0.5"])
    def test_what_is_no_size_is_refused(self, text: str) -> None:
        with pytest.raises(CannotMeasure, match="--batch-size-s"):
            parse_sizes(text)


@pytest.fixture
def recording(tmp_path: Path) -> Path:
    """Eight utterances of different loudness, a second and more each."""
    rng = np.random.default_rng(3)
    parts = []
    for number in range(8):
        loud = rng.normal(0, 1_000 + 300 * number, (2 + number) * SAMPLE_RATE // 2)
        parts += [loud, np.zeros(2 * SAMPLE_RATE)]
    file = tmp_path / "meeting.wav"
    file.write_bytes(as_wav(np.concatenate(parts).astype(np.int16)))
    return file


@pytest.fixture
def loads(monkeypatch: pytest.MonkeyPatch) -> Callable[[StubRecogniser], None]:
    def give(stub: StubRecogniser) -> None:
        monkeypatch.setattr(measuring, "load_configured_recogniser", lambda _, *, calibrate: stub)

    return give


Loads = Callable[[StubRecogniser], None]


class TestMeasure:
    def test_a_segment_at_a_time_comes_first_and_is_what_others_are_compared_with(
        self, recording: Path, loads: Loads
    ) -> None:
        loads(StubRecogniser())
        measured = measure(recording, ["6", "auto"], Settings())
        assert [size.asked for size in measured.sizes] == ["alone", "6", "auto"]
        alone, six, auto = measured.sizes
        assert alone.batches == measured.recording.segments == 8
        assert alone.padding == 1.0
        assert auto.batches < six.batches < 8
        assert six.largest_batch_s <= 6
        assert auto.decision.batch_size_s == 300
        assert all(not size.segments_differing and size.times_equal for size in measured.sizes)
        assert alone.peak_bytes < six.peak_bytes < auto.peak_bytes

    def test_of_repeated_runs_the_least_times_count(
        self, recording: Path, loads: Loads, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        loads(StubRecogniser())
        costs = iter([Cost(3.0, 9.0), Cost(5.0, 2.0), Cost(4.0, 4.0)] * 2)

        class Scripted(Stopwatch):
            def __exit__(self, *args: object) -> None:
                self.cost = next(costs)

        monkeypatch.setattr("worker.bench.sizes.Stopwatch", Scripted)
        measured = measure(recording, ["6"], Settings(), repeat=3)
        assert [size.recognition for size in measured.sizes] == [Cost(3.0, 2.0)] * 2
        assert next(costs, None) is None
        assert measured.sizes[1].segments_differing == 0
        assert "Each size was run 3 times" in as_text(measured)
        assert measured.to_json()["repeat"] == 3
        assert "run 1 times" not in as_text(replace(measured, repeat=1))

    def test_a_batch_that_does_not_fit_is_halved_and_counted(
        self, recording: Path, loads: Loads
    ) -> None:
        loads(StubRecogniser(out_of_memory_above_s=8.0))
        _, size = measure(recording, ["300"], Settings()).sizes
        assert size.oom_retries > 0
        assert size.segments_differing == 0

    def test_no_room_for_one_segment_is_an_error(self, recording: Path, loads: Loads) -> None:
        loads(StubRecogniser(out_of_memory_above_s=3.0))
        with pytest.raises(OutOfMemory):
            measure(recording, ["300"], Settings())

    def test_memory_caps_a_size_that_was_asked_for(self, recording: Path, loads: Loads) -> None:
        stub = StubRecogniser()
        stub.memory.headroom = 300 * 2**20
        loads(stub)
        _, size = measure(recording, ["600"], Settings()).sizes
        assert size.decision.batch_size_s < 60
        assert (size.decision.limited_by, size.decision.length_ceiling_s) == (
            BatchLimit.MEMORY,
            600,
        )

    def test_silence_holds_nothing_to_measure(self, tmp_path: Path, loads: Loads) -> None:
        loads(StubRecogniser())
        quiet = tmp_path / "quiet.wav"
        quiet.write_bytes(as_wav(np.zeros(3 * SAMPLE_RATE, dtype=np.int16)))
        with pytest.raises(CannotMeasure, match="Nobody speaks"):
            measure(quiet, ["60"], Settings())

    def test_what_cannot_be_opened_or_read_is_told_in_words(self, tmp_path: Path) -> None:
        with pytest.raises(UnsupportedMedia, match=r"absent\.mp3 cannot be opened"):
            measure(tmp_path / "absent.mp3", ["60"], Settings())
        text = tmp_path / "notes.txt"
        text.write_text("no sound in here " * 100)
        with pytest.raises((UnsupportedMedia, NoAudio)):
            measure(text, ["60"], Settings())


class TestCommand:
    def refused(self, *arguments: str | Path) -> str:
        result = CliRunner().invoke(app, [str(argument) for argument in arguments])
        assert result.exit_code == 2
        assert "Traceback" not in result.output
        return result.output

    def test_it_prints_json_for_machines(self, recording: Path, loads: Loads) -> None:
        loads(StubRecogniser())
        result = CliRunner().invoke(app, [str(recording), "--batch-size-s", "20", "--json"])
        assert result.exit_code == 0, result.output
        assert [size["asked"] for size in json.loads(result.stdout)["sizes"]] == ["alone", "20"]

    def test_a_wish_that_cannot_be_met_is_told_in_words(self, tmp_path: Path) -> None:
        assert "Name a recording" in self.refused()
        assert "cannot be opened" in self.refused(tmp_path / "absent.wav")
        assert "knows large" in self.refused("--make-model", "medium", tmp_path / "model")
        (tmp_path / "taken").write_text("")
        assert "not empty" in self.refused("--make-model", "large", tmp_path)

    def test_a_picture_without_matplotlib_is_refused_before_measuring(
        self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr(plot, "find_spec", lambda _: None)
        said = self.refused(tmp_path / "absent.wav", "--plot", tmp_path / "table.png")
        assert "needs matplotlib" in said

    def test_longscribe_bench_becomes_the_worker_s_program(
        self, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        became: list[list[str]] = []
        monkeypatch.setattr(command.os, "execv", lambda _, argv: became.append(argv))
        wanted = ["a.wav", "--json", "--batch-size-s", "60", "--help"]
        CliRunner().invoke(longscribe, ["bench", *wanted])
        assert became == [[sys.executable, "-m", "worker.bench", *wanted]]

    def test_without_the_worker_s_packages_it_says_so(
        self, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr(command, "find_spec", lambda name: None if name == "torch" else name)
        result = CliRunner().invoke(longscribe, ["bench", "a.wav"])
        assert result.exit_code == 2
        assert "torch cannot be found" in result.output


def test_the_picture_shows_every_size(tmp_path: Path) -> None:
    needs("matplotlib", "bench")
    plot.draw(measurement(), tmp_path / "table.png")
    assert (tmp_path / "table.png").read_bytes().startswith(b"\x89PNG")
    with pytest.raises(CannotMeasure, match="cannot be written"):
        plot.draw(measurement(), tmp_path / "absent" / "table.png")


class TestPicture:
    def test_speed_on_a_cpu_is_by_the_processor_and_on_a_gpu_by_the_clock(self) -> None:
        measured = measurement()
        speed = plot._speed(measured)
        assert speed.title == "Seconds of audio a processor second"
        assert speed.ours.values == pytest.approx([600 / 38.5, 600 / 18.5])
        on_gpu = replace(measured, model=replace(STUB_IDENTITY, device="cuda:0"))
        assert plot._speed(on_gpu).ours.values == pytest.approx([600 / 20, 600 / 10])

    def test_the_chosen_size_is_marked_beside_the_line_of_those_asked_for(self) -> None:
        memory = plot._memory(measurement())
        assert memory.ours.sizes == [1, 60]
        assert memory.ours.values == pytest.approx([1.001, 1.06])
        assert memory.auto == pytest.approx((400, 1.4))

    def test_stock_is_a_line_without_sizes_on_a_cpu_and_its_failures_are_left_out(self) -> None:
        measured = measurement()
        assert plot._memory(measured).stock == plot._Series([], [3.0])
        sized = StockResult(300.0, Cost(20.0, 20.0), 4_000_000_000, True)
        on_gpu = replace(measured, stock=(sized, measured.stock[1]))
        assert plot._memory(on_gpu).stock == plot._Series([300.0], [4.0])

    def test_the_chosen_size_alone_makes_a_picture_too(self, tmp_path: Path) -> None:
        needs("matplotlib", "bench")
        measured = measurement()
        plot.draw(replace(measured, sizes=measured.sizes[::2], stock=()), tmp_path / "auto.png")
        assert (tmp_path / "auto.png").stat().st_size > 10_000

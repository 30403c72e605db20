"""The timing cache's file. TensorRT-RTX measures nothing, so its content is only seen on a GPU."""

from concurrent.futures import ThreadPoolExecutor

from oviton.engines.tensorrt.timing_cache import TimingCacheFile


def test_there_is_one_file_for_each_version_and_gpu(tmp_path):
    file = TimingCacheFile(tmp_path, "tensorrt", "10.13.0", "NVIDIA GeForce RTX 4090")
    assert file.path.name == "timing-tensorrt-10.13.0-nvidia-geforce-rtx-4090.cache"
    assert file.read() == b""


def test_updates_at_the_same_time_lose_nothing(tmp_path):
    def add(index):
        TimingCacheFile(tmp_path, "tensorrt", "10", "gpu").update(lambda stored: stored + bytes([index]))

    with ThreadPoolExecutor(8) as pool:
        list(pool.map(add, range(32)))
    assert sorted(TimingCacheFile(tmp_path, "tensorrt", "10", "gpu").read()) == list(range(32))


def test_a_folder_that_cannot_be_written_keeps_nothing(tmp_path):
    (tmp_path / "file").touch()
    file = TimingCacheFile(tmp_path / "file", "tensorrt", "10", "gpu")
    file.update(lambda stored: b"times")
    assert file.read() == b""

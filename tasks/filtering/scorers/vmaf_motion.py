"""VMAF motion by ffmpeg's native filter (App. B.3, Table 6): mean absolute difference of blurred luma."""

import re
import subprocess

from tasks.filtering.scorers.protocol import Measure, StoredClip

AVERAGE = re.compile(r"VMAF Motion avg: ([0-9.]+)")


class VmafMotionScorer:
    """``vmaf_motion``: ffmpeg's average over the clip's frames, the first (0 by definition) included."""

    name = "ffmpeg_vmafmotion"
    version = "1"
    weights = ""

    def measure(self, clip: StoredClip) -> list[Measure]:
        """One value.

        Raises:
            RuntimeError: the ffmpeg binary cannot run the filter.
        """
        from imageio_ffmpeg import get_ffmpeg_exe

        command = [get_ffmpeg_exe(), "-hide_banner", "-nostdin", "-threads", "1", "-i", str(clip.media)]
        command += ["-vf", "vmafmotion", "-f", "null", "-"]
        run = subprocess.run(command, capture_output=True, text=True, check=False)
        found = AVERAGE.search(run.stderr)
        if run.returncode or not found:
            raise RuntimeError(f"ffmpeg's vmafmotion failed with {run.returncode}: {run.stderr[-500:]}")
        return [Measure("vmaf_motion", float(found.group(1)))]

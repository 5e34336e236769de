#!/usr/bin/env python3
"""Records what the real bash does with each script of scripts.txt; run it beside that file after adding scripts."""
import json, os, pathlib, subprocess, tempfile

here = pathlib.Path(__file__).parent
out = []
for script in (here / "scripts.txt").read_text().split("\n---\n"):
    script = script.rstrip("\n")
    with tempfile.TemporaryDirectory() as home:
        env = {"HOME": home, "PATH": os.environ["PATH"], "LANG": "C.UTF-8", "LC_ALL": "C.UTF-8"}
        done = subprocess.run(["bash", "-c", script], cwd=home, env=env, capture_output=True, text=True,
                              stdin=subprocess.DEVNULL, timeout=20)
        clean = lambda t: t.replace(home, "/home/learner")
        out.append({"script": script, "stdout": clean(done.stdout), "stderr": clean(done.stderr), "rc": done.returncode})
(here / "recorded.jsonl").write_text("".join(json.dumps(o) + "\n" for o in out))
print(len(out), "scripts")

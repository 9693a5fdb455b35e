"""Runs the conformance cases and prints one JSON line for each.

The environment variable `CONFORMANCE` holds the settings as JSON: `base_url`, `key`, `mock_url`,
`is_direct`, `embedding_models`, and `targets`, a list of `{client, upstream, model, cases}`. Arguments select
cases by parts of `client/upstream/case`.
"""

import concurrent.futures
import json
import os
import sys
import time
import traceback

import case
import chat  # noqa: F401  each module registers its cases
import frameworks  # noqa: F401
import gemini  # noqa: F401
import messages  # noqa: F401
import responses  # noqa: F401

WORKERS = 6
# Times are promised by the program, not by a shared machine: the best of so many tries counts.
TIMED_TRIES = 3


def run(settings, target, name, function):
    it = case.Context(
        base_url=settings["base_url"],
        key=settings["key"],
        mock_url=settings["mock_url"],
        is_direct=settings["is_direct"],
        embedding_models=settings["embedding_models"],
        model=target["model"],
        upstream=target["upstream"],
    )
    start = time.monotonic()
    result = {"runtime": "python", "client": target["client"], "upstream": target["upstream"], "model": target["model"], "case": name}
    try:
        function(it)
        result["outcome"] = "passed"
    except case.Skip as skip:
        result |= {"outcome": "skipped", "detail": str(skip)}
    except Exception as error:
        last = traceback.extract_tb(error.__traceback__)
        own = [frame for frame in last if "conformance" in frame.filename]
        where = f"{os.path.basename(own[-1].filename)}:{own[-1].lineno}" if own else ""
        result |= {"outcome": "failed", "detail": f"{where} {type(error).__name__}: {error}"[:1500]}
    result["ms"] = round((time.monotonic() - start) * 1000)
    return result


def main():
    settings = json.loads(os.environ["CONFORMANCE"])
    wanted = sys.argv[1:]
    jobs = []
    for target in settings["targets"]:
        for client, name, function in case.CASES:
            path = f"{client}/{target['upstream']}/{name}"
            is_meant = not target.get("cases") or any(part in name for part in target["cases"])
            if client == target["client"] and is_meant and all(part in path for part in wanted):
                jobs.append((target, name, function))
    # Cancellation is timed, so it does not share the machine with the rest.
    is_timed = lambda job: "cancel" in job[1] or "timeout" in job[1]
    with concurrent.futures.ThreadPoolExecutor(WORKERS) as pool:
        pending = [pool.submit(run, settings, *job) for job in jobs if not is_timed(job)]
        for done in concurrent.futures.as_completed(pending):
            print(json.dumps(done.result()), flush=True)
    for job in filter(is_timed, jobs):
        for _ in range(TIMED_TRIES):
            result = run(settings, *job)
            if result["outcome"] != "failed":
                break
        print(json.dumps(result), flush=True)


main()

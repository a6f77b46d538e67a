"""Runs the example in Python by Pulumi's own engine, which here is told of the program rather than finding it.

usage: python_program.py FOLDER SETTINGS up|destroy, with a JSON object of settings; prints the outputs as JSON
"""

import json
import runpy
import sys

from pulumi import automation

folder, settings, what = sys.argv[1:]
stack = automation.create_or_select_stack(
    "test", project_name="orders", program=lambda: runpy.run_path(f"{folder}/__main__.py") and None
)
stack.set_config("settings", automation.ConfigValue(settings))
stack.set_config("controlToken", automation.ConfigValue("a-control-token-of-a-test", secret=True))
if what == "up":
    outputs = stack.up().outputs
    print(json.dumps({name: output.value for name, output in outputs.items()}))
else:
    stack.destroy()

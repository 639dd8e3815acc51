"""A JupyterHub for a class: each user has a server, a folder and one warm Spark of their own.

docs/jupyterhub.md says how to set the machine up, and what other spawners need.
"""

import sys
from pathlib import Path

HERE = Path(__file__).resolve().parent
LABS = "/srv/lakehouse-labs"  # the hand-out that all share; only root writes there
MINUTE = 60

c = get_config()  # noqa: F821  JupyterHub defines it

c.JupyterHub.bind_url = "http://127.0.0.1:8000"  # behind a web server that speaks HTTPS
c.Authenticator.allowed_users = {"ana", "ben", "cem"}  # accounts of this machine
c.Authenticator.admin_users = {"teacher"}

c.JupyterHub.spawner_class = "systemd"  # the limits below are its control group's
c.Spawner.mem_limit = "4G"
c.Spawner.cpu_limit = 2.0
c.SystemdSpawner.isolate_tmp = True

c.Spawner.cmd = [str(HERE / "lab-server")]
c.Spawner.default_url = "/lab/tree/work"
c.Spawner.environment = {"LAB_SHARED": LABS, "LAB_SPARK_IDLE": "10"}

# An idle kernel ends first, even if its page is still open; 10 minutes after the last one, warm
# Spark does. A cell that runs is not idle.
c.Spawner.args = [
    f"--MappingKernelManager.cull_idle_timeout={30 * MINUTE}",
    f"--MappingKernelManager.cull_interval={2 * MINUTE}",
    "--MappingKernelManager.cull_connected=True",
]

# Then the server of a user whom nobody has heard of for an hour.
IDLE = {"list:users", "read:users:activity", "read:servers", "delete:servers"}
c.JupyterHub.load_roles = [{"name": "idle", "scopes": sorted(IDLE), "services": ["idle-culler"]}]
c.JupyterHub.services = [
    {
        "name": "idle-culler",
        "command": [sys.executable, "-m", "jupyterhub_idle_culler", f"--timeout={60 * MINUTE}"],
    }
]

"""A Pulumi program in Python that has a cluster among other things, and hands its address to them."""

import pulumi


class DprCluster(pulumi.ComponentResource):
    """What `pulumi package add` would write of the package: the plugin does the work."""

    finderUrl: pulumi.Output[str]
    endpoints: pulumi.Output[list]

    def __init__(self, name: str, opts: pulumi.ResourceOptions | None = None, **given) -> None:
        told = dict.fromkeys(["finderUrl", "endpoints", "portMap", "volumes"])
        super().__init__("dpr:index:DprCluster", name, {**given, **told}, opts, remote=True)


config = pulumi.Config()
orders = DprCluster(
    "orders",
    settings=config.require_object("settings"),
    controlToken=config.require_secret("controlToken"),
)

pulumi.export("finderUrl", orders.finderUrl)
pulumi.export("endpoints", orders.endpoints)

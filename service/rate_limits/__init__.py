"""How often somebody may call: the library `limits` behind the domain's port."""

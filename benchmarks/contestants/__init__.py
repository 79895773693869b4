"""net2 in each of the frameworks; epoch.py and conv_pool.py start these scripts."""

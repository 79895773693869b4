"""Public names that no program runs, each with the reason; all others must be run by one."""

MPI = "needs mpi4py and several processes"
PLUMBING = "what Theano itself is built with: no user's program calls it, others here run it"

NOT_RUN = {
    "tensor.irecv": MPI,
    "tensor.isend": MPI,
    "tensor.key_to_cmp": MPI,
    "tensor.mpi_send_wait_cmp": MPI,
    "tensor.mpi_send_wait_key": MPI,
    "tensor.mpi_tag_cmp": MPI,
    "tensor.mpi_tag_key": MPI,
    "tensor.recv": MPI,
    "tensor.send": MPI,
    "tensor.check_advanced_indexing_dimensions": PLUMBING,
    "tensor.register_transfer": "for back ends: registers a function of other memory",
    "tensor.nnet.crossentropy_to_crossentropy_with_softmax": PLUMBING,
    "tensor.nnet.crossentropy_to_crossentropy_with_softmax_with_bias": PLUMBING,
    "tensor.nnet.softmax_simplifier": PLUMBING,
    "tensor.nnet.conv.gen_conv_code_unroll_batch_kern": PLUMBING,
    "theano.disable_log_handler": PLUMBING,
    "theano.has_handlers": PLUMBING,
    "theano.test": "runs Theano's own tests, which need nose",
    "theano.function_dump": "writes a pickle of a function's arguments, to report an error with",
    "gradient.mode_not_slow": PLUMBING,
    "tensor.check_equal_numpy": PLUMBING,
    "sparse.get_item_2lists_grad": PLUMBING,
    "sparse.get_item_list_grad": PLUMBING,
    "sparse.structured_dot_grad": PLUMBING,
    "sparse.structured_monoid": PLUMBING,
    "sparse.hash_from_sparse": PLUMBING,
    "sparse.sdg_csc": PLUMBING,
    "sparse.sdg_csr": PLUMBING,
    "lasagne.layers.Layer": "the base of all layers",
    "lasagne.layers.MergeLayer": "the base of all layers of several inputs",
    "lasagne.init.Initializer": "the base of all initialisers",
}

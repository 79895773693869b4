"""scan's loop, in Python: what Theano 1.0.5's scan_perform.c did.

Scan.make_thunk prepares the call as before, and takes `perform` from here. A faster loop takes
the place of this one function.

Theano's own loop in Python, Scan.execute, stays what runs where Theano asks for Python (linker
"py"). It differs from this one in details: an unsigned number of steps that an `until` cuts short
wraps around there.
"""

from __future__ import annotations

import time


def perform(
    n_shared_outs, n_mit_mot_outs, n_seqs, n_mit_mot, n_mit_sot, n_sit_sot, n_nit_sot,
    n_steps, as_while, mintaps, tap_array, tap_array_len, vector_seqs, vector_outs,
    mit_mot_out_slices, mit_mot_out_nslices, mitmots_preallocated, inps_is_tensor,
    outs_is_tensor, fn, fnct, destroy_map, args, outs, op, node,
) -> None:  # fmt: skip
    """Run the inner function of a Scan for all its steps.

    Parameters
    ----------
    n_shared_outs, ..., n_nit_sot : int
        How many there are of each kind of input and output, in the words of scan_utils.py.
    n_steps : ndarray, shape (), of an integer dtype
    as_while : bool
        The inner function's last output says whether to stop.
    mintaps, vector_outs : sequence of int
        Of each output, mit_mots first: the smallest tap, whether a step of it is a scalar.
    tap_array, tap_array_len : ndarray, ndarray
        The taps of each recurrent output, a row each, and how many of the row count.
    vector_seqs : sequence of int
        Of each sequence: whether a step of it is a scalar.
    mit_mot_out_slices, mit_mot_out_nslices : ndarray, ndarray
        The taps that a mit_mot's outputs are written to, as `tap_array`.
    mitmots_preallocated : sequence of int
        Which of these are inputs that the inner function updates.
    inps_is_tensor, outs_is_tensor
        Not used: they are about GpuArrays.
    fn, fnct : callable, Function
        The inner function's thunk, and the inner function.
    destroy_map : sequence of int
        Which outputs are computed in place of their initial values.
    args : list
        The values of the node's inputs.
    outs : list of list
        The storage of the node's outputs, which this function fills.
    op, node : Scan, Apply

    Raises
    ------
    IndexError
        If the number of steps is negative.
    NotImplementedError
        If it is 0.
    ValueError
        If a sequence is shorter, or an output changes its shape from one step to the next.
    """
    began = time.time()
    in_fn = 0.0
    n_steps = int(n_steps)
    check_steps(n_steps, args[1 : 1 + n_seqs], node)

    n_outs = n_mit_mot + n_mit_sot + n_sit_sot
    n_kept = n_outs + n_nit_sot  # outputs with an entry for each step that is stored
    initial = args[1 + n_seqs : 1 + n_seqs + n_outs]
    shared = args[1 + n_seqs + n_outs :][:n_shared_outs]
    lengths = args[1 + n_seqs + n_outs + n_shared_outs :][:n_nit_sot]
    others = args[1 + n_seqs + n_outs + n_shared_outs + n_nit_sot :]

    store_steps = [a.shape[0] for a in initial] + [int(length) for length in lengths]
    mintaps = [int(tap) for tap in mintaps]
    pos = [-tap % steps for tap, steps in zip(mintaps, store_steps, strict=True)]
    taps = [[int(tap_array[k, t]) for t in range(tap_array_len[k])] for k in range(n_outs)]
    is_vector = [bool(flag) for flag in vector_outs]
    # Steps of these are never handed to the inner function to be written into.
    is_copied = [is_vector[k] or store_steps[k] == 1 for k in range(n_kept)]
    allocate(outs, initial, store_steps, mintaps, destroy_map, n_mit_mot)

    # Of each input and output of the inner function, the list whose one element is its value
    inputs = [container.storage for container in fnct.input_storage]
    outputs = [container.storage for container in fnct.output_storage]
    first_state, first_kept = n_seqs, n_mit_mot_outs - sum(map(bool, mitmots_preallocated))
    first_shared_input = first_state + sum(map(len, taps))
    for cell, value in zip(inputs[first_shared_input + n_shared_outs :], others, strict=False):
        cell[0] = value
    sequences = [
        (cell, a, bool(flag))
        for cell, a, flag in zip(inputs[:n_seqs], args[1 : 1 + n_seqs], vector_seqs, strict=True)
    ]
    shared_cells = inputs[first_shared_input : first_shared_input + n_shared_outs]
    first_shared = first_kept + n_kept - n_mit_mot
    mit_mot_writes = _mit_mot_writes(
        taps, mit_mot_out_slices, mit_mot_out_nslices, mitmots_preallocated, n_mit_mot
    )
    updates_inputs = getattr(fn, "need_update_inputs", True)

    i, running = 0, True
    while i < n_steps and running:
        # What the inner function reads
        for cell, sequence, flag in sequences:
            cell[0] = sequence[i : i + 1].reshape(()) if flag else sequence[i]
        at = first_state
        for k in range(n_outs):
            whole = outs[k][0]
            for tap in taps[k]:
                here = (pos[k] + tap) % store_steps[k]
                inputs[at][0] = whole[here : here + 1].reshape(()) if is_vector[k] else whole[here]
                at += 1
        for k, cell in enumerate(shared_cells):
            cell[0] = shared[k] if i == 0 else outs[n_kept + k][0]

        # Where it writes: from the second step on, into the output itself
        for cell in outputs:
            cell[0] = None
        given: list = [None] * n_kept
        if i:
            for k in range(n_mit_mot, n_kept):
                if not is_copied[k]:
                    given[k] = outs[k][0][pos[k]]
                    outputs[first_kept + k - n_mit_mot][0] = given[k]
        states = [inputs[first_state + place][0] for place, *_ in mit_mot_writes]

        began_fn = time.time()
        try:
            fn()
        except Exception:
            _raise_with_node(fn)
            raise
        in_fn += time.time() - began_fn
        if as_while:
            running = outputs[first_shared + n_shared_outs][0] == 0
        if updates_inputs:
            _update_inputs(fnct)

        # What was not written in place is copied.
        at = 0
        for state, (place, k, tap, is_input) in zip(states, mit_mot_writes, strict=True):
            if not is_input:
                outs[k][0][tap + pos[k]] = outputs[at][0]
                at += 1
            elif inputs[first_state + place][0] is not state:
                outs[k][0][tap + pos[k]] = inputs[first_state + place][0]
        for k in range(n_mit_mot, n_kept):
            value = outputs[first_kept + k - n_mit_mot][0]
            if i == 0 and k >= n_outs:
                _allocate_nit_sot(outs[k], value, store_steps[k], node.outputs[k].type)
            if value is not given[k]:
                _store(outs[k][0], pos[k], value, i)
        for k in range(n_shared_outs):
            outs[n_kept + k][0] = outputs[first_shared + k][0]
        pos = [(p + 1) % steps for p, steps in zip(pos, store_steps, strict=True)]
        i += 1

    for k in range(n_mit_mot, n_kept):
        put_in_order(outs[k], pos[k], store_steps[k], i - mintaps[k], n_steps - i)
    # What the inner function holds could be a part of our inputs and outputs.
    for cell in (*inputs, *outputs):
        cell[0] = None

    op.t_call, op.t_fn = time.time() - began, in_fn
    profile = getattr(fnct.maker, "profile", None)
    if profile and not isinstance(profile, bool):
        profile.callcount += 1
        profile.nbsteps += n_steps
        profile.call_time += op.t_call
        profile.vm_call_time += in_fn
        if hasattr(fn, "update_profile"):
            fn.update_profile(profile)


def check_steps(n_steps: int, sequences, node) -> None:
    """Raise what `perform` does for a number of steps that can't be run."""
    if n_steps < 0:
        raise IndexError(f"Scan was asked to run for negative number of step {n_steps}")
    if n_steps == 0:
        raise NotImplementedError(
            "We didn't implemented yet the case where scan do 0 iteration"  # Theano's words
        )
    for k, sequence in enumerate(sequences):
        if sequence.shape[0] < n_steps:
            raise ValueError(
                "Sequence is shorter than the required number of steps : "
                "(n_steps, seq, seq.shape):",
                n_steps, node.inputs[1 + k], tuple(sequence.shape),
            )  # fmt: skip


def allocate(outs, initial, store_steps, mintaps, destroy_map, n_mit_mot) -> None:
    """Put the initial values where the recurrent outputs will be."""
    for k, (out, start) in enumerate(zip(outs, initial, strict=False)):
        if destroy_map[k]:
            out[0] = start
        elif (
            out[0] is not None
            and out[0].shape[1:] == start.shape[1:]
            and out[0].shape[0] >= store_steps[k]
        ):
            out[0] = out[0][: store_steps[k]]
            filled = -mintaps[k] if k >= n_mit_mot else store_steps[k]
            out[0][:filled] = start[:filled]
        else:
            out[0] = start.copy()


def _allocate_nit_sot(out: list, value, steps: int, out_type) -> None:
    """Have room in `out` for `steps` values like this one."""
    have, shape = out[0], (steps, *value.shape)
    if (
        have is None
        or have.shape[0] < steps
        or have.shape[1:] != shape[1:]
        or have.dtype != value.dtype
    ):
        out[0] = out_type.value_zeros(shape)
    elif have.shape[0] != steps:
        out[0] = have[:steps]


def _mit_mot_writes(taps, out_slices, n_slices, preallocated, n_mit_mot) -> list[tuple]:
    """Return, for each output tap of each mit_mot in order: where it is written, and how.

    The place among the recurrent inputs of that tap, if it is one that the inner function
    updates, or 0; the mit_mot; the tap; whether it is such an input.
    """
    writes: list[tuple] = []
    before = 0
    for k in range(n_mit_mot):
        for t in range(n_slices[k]):
            tap = int(out_slices[k, t])
            is_input = bool(preallocated[len(writes)])
            place = before + taps[k].index(tap) if is_input else 0
            writes.append((place, k, tap, is_input))
        before += len(taps[k])
    return writes


def _raise_with_node(fn) -> None:
    """Add Theano's "Apply node that caused the error" to what the CVM and the C linker raise.

    Linkers in Python do so by themselves.
    """
    if hasattr(fn, "position_of_error"):
        from theano.gof.link import raise_with_op

        at = fn.position_of_error
        raise_with_op(fn.nodes[at], fn.thunks[at] if hasattr(fn, "thunks") else None)


def _update_inputs(fnct) -> None:
    """Take over the inputs that the inner function updates: only Function.__call__ does."""
    at = len(fnct.output_storage) - 1
    pairs = zip(fnct.maker.expanded_inputs, fnct.input_storage, strict=True)
    for given, container in reversed(list(pairs)):
        if given.update is not None:
            container.data = fnct.output_storage[at].data
            at -= 1


def _store(out, at: int, value, step: int) -> None:
    try:
        out[at] = value
    except ValueError as error:
        if step == 0:
            raise
        raise ValueError(
            "An output of the scan has changed shape. This may be caused by a pushout "
            "optimization. Try adding 'optimizer_excluding=scanOp_pushout_output' to your "
            "Theano flags."
        ) from error


def put_in_order(out: list, pos: int, stored: int, done: int, left: int) -> None:
    """Have the oldest step first; cut off, or set to 0, what no step has computed.

    Parameters
    ----------
    out : list of ndarray
        The output, in a list.
    pos : int
        Where the next step would be written.
    stored, done : int
        How many steps it holds, and how many there were, initial ones included.
    left : int
        How many steps `until` saved.
    """
    if stored < done:
        if pos:
            whole = out[0]
            # In two parts, so that no copy of all of it is needed
            if pos >= stored // 2:
                saved = whole[:pos].copy()
                whole[: stored - pos] = whole[pos:]
                whole[stored - pos :] = saved
            else:
                saved = whole[pos:].copy()
                whole[stored - pos :] = whole[:pos]
                whole[: stored - pos] = saved
    elif stored > done:
        # Truncated gradients are 0 where they are not computed.
        out[0][done:] = 0
        if left:
            out[0] = out[0][: out[0].shape[0] - left]

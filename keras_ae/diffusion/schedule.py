"""How much noise there is at each step, and the coefficients of every step back; in float64.

Steps are numbered 0 to T - 1, from the least noise to the most, and `signal` is the share of the
image's variance that is left, the paper's bar alpha:

    x_t = sqrt(signal[t]) x_0 + sqrt(1 - signal[t]) noise        Ho et al. 2020, equation 4
"""

import numpy as np

from ..engine.checks import check_positive_int

# name -> betas of a number of steps
SCHEDULES = {
    "linear": lambda steps: _respaced(np.linspace(1e-4, 0.02, 1000), steps),
    "sqrt_linear": lambda steps: _respaced(np.linspace(0.0015**0.5, 0.0195**0.5, 1000) ** 2, steps),
    "cosine": lambda steps: _cosine(steps),
}
SPACINGS = ("uniform", "quadratic")
# columns of a table of steps, one row for each
COLUMNS = ("time", "signal", "noise", "next_signal", "next_noise", "fresh")


def _cosine(steps):
    share = (np.arange(steps + 1) / steps + 0.008) / 1.008
    left = np.cos(0.5 * np.pi * share) ** 2
    return np.minimum(1.0 - left[1:] / left[:-1], 0.999)


def _respaced(beta, steps):
    """As much noise as these betas add, in another number of steps."""
    left = np.append(0.0, np.cumsum(np.log1p(-beta)))  # logarithm of the signal
    share = np.linspace(0.0, len(beta), steps + 1)
    return -np.expm1(np.diff(np.interp(share, np.arange(len(left)), left)))


def noise_schedule(name, num_steps=1000):
    """Variances of the noise that is added in each step.

    Source: "linear": Ho et al. 2020, arXiv:2006.11239, section 4; "sqrt_linear" (linear in the
    square root): Rombach et al. 2022, arXiv:2112.10752, its reference configuration; "cosine":
    Nichol and Dhariwal 2021, arXiv:2102.09672, equation 17. The first two are made for 1000
    steps; any other number of them adds as much noise, in coarser or finer steps (its section 4).

    Args:
        name: "linear", "sqrt_linear" or "cosine".
        num_steps: int, T. Defaults to `1000`.

    Returns:
        dict of float64 arrays, shape `(num_steps,)`: "beta", "signal" (the product of 1 - beta so
        far) and "posterior" (the variance of x_{t-1} given x_t and x_0, zero at step 0).

    Raises:
        ValueError: when the name is unknown, or `num_steps` is not a positive integer.
    """
    check_positive_int("num_steps", num_steps)
    if name not in SCHEDULES:
        raise ValueError(f"schedule={name!r}: pass one of {', '.join(map(repr, SCHEDULES))}.")
    beta = SCHEDULES[name](num_steps)
    signal = np.cumprod(1.0 - beta)
    before = np.append(1.0, signal[:-1])
    return {
        "beta": beta,
        "signal": signal,
        "posterior": beta * (1.0 - before) / (1.0 - signal),
    }


def chosen_steps(num_steps, steps, spacing="uniform"):
    """Which of the T steps a sampler visits.

    The i-th of S, counted from 1, is floor(T i / S), or floor(T (i / S)^2), in the paper's numbers
    1 to T; here one less. The noisiest step, T - 1, is always among them, and none comes twice.

    Source: Song et al. 2020, arXiv:2010.02502, appendix D.2.

    Args:
        num_steps: int, T.
        steps: int, S, at most T.
        spacing: "uniform" or "quadratic". Defaults to `"uniform"`.

    Returns:
        int array, shape `(steps,)`, rising.

    Raises:
        ValueError: when `steps` is not in 1 to T, or the spacing is unknown.
    """
    check_positive_int("steps", steps)
    if steps > num_steps:
        raise ValueError(f"steps={steps}: this model has {num_steps} steps, pass at most as many.")
    if spacing not in SPACINGS:
        raise ValueError(f"spacing={spacing!r}: pass 'uniform' or 'quadratic'.")
    index = np.arange(1, steps + 1)
    if spacing == "uniform":
        return num_steps * index // steps - 1
    return np.maximum(num_steps * index**2 // steps**2, index) - 1


def steps_back(schedule, steps, eta=0.0, spacing="uniform"):
    """Coefficients of the way from noise to image.

    With a the signal now and a' that of the next step, 1 beyond the last one:

        x' = sqrt(a') x_0 + sqrt(1 - a' - s^2) noise + s fresh,
        s = eta sqrt((1 - a') / (1 - a)) sqrt(1 - a / a')

    so eta 0 adds no noise (DDIM), and eta 1 with all steps is the ancestral sampler of DDPM with
    the posterior's variance. `eta="fixed_large"` is the one of its experiments: that mean, and
    fresh noise of the variance beta. The last step adds none.

    Source: Song et al. 2020, arXiv:2010.02502, equations 12 and 16; Ho et al. 2020,
    arXiv:2006.11239, algorithm 2 and section 3.2.

    Args:
        schedule: what `noise_schedule` returned.
        steps: int, S.
        eta: float in [0, 1], or "fixed_large". Defaults to `0.0`.
        spacing: "uniform" or "quadratic". Defaults to `"uniform"`.

    Returns:
        float64 array, shape `(steps, 6)`, the noisiest step first, with the columns `COLUMNS`: the
        number of the step, sqrt(a), sqrt(1 - a), sqrt(a'), sqrt(1 - a' - s^2), and s.

    Raises:
        ValueError: when `steps`, `eta` or `spacing` is not as above.
    """
    large = eta == "fixed_large"
    if not large and (isinstance(eta, (bool, str)) or not 0 <= eta <= 1):
        raise ValueError(f"eta={eta!r}: pass a number from 0 to 1, or 'fixed_large'.")
    time = chosen_steps(len(schedule["signal"]), steps, spacing)[::-1]
    now = schedule["signal"][time]
    later = np.append(now[1:], 1.0)
    variance = (1.0 - later) / (1.0 - now) * (1.0 - now / later)  # of the posterior
    kept = (1.0 if large else eta**2) * variance
    fresh = np.where(later < 1.0, 1.0 - now / later, 0.0) if large else kept
    columns = [now, 1.0 - now, later, np.maximum(1.0 - later - kept, 0.0), fresh]
    return np.stack([time, *(column**0.5 for column in columns)], axis=-1)


def steps_forth(schedule, steps, spacing="uniform"):
    """Coefficients of the deterministic way from image to noise: the steps back, turned round.

    The network is asked with the number of the step that is gone to: that is what the step back
    from there asks it with.

    Source: Song et al. 2020, arXiv:2010.02502, equation 14 and section 5.4.

    Args:
        schedule: what `noise_schedule` returned.
        steps: int, S.
        spacing: "uniform" or "quadratic". Defaults to `"uniform"`.

    Returns:
        float64 array as that of `steps_back`, the image first.

    Raises:
        ValueError: when `steps` or `spacing` is not as there.
    """
    back = steps_back(schedule, steps, 0.0, spacing)[::-1]
    now, later = back[:, 3], back[:, 1]  # sqrt of the signal
    rest = lambda root: np.sqrt(np.maximum(1.0 - root**2, 0.0))
    columns = [back[:, 0], now, rest(now), later, rest(later), 0.0 * now]
    return np.stack(columns, axis=-1)


def bound_table(schedule, variance="fixed_large"):
    """What each step of the variational bound needs.

    The posterior q(x_{t-1} | x_t, x_0) has the mean `of_image` x_0 + `of_state` x_t. At step 0,
    where it has no variance, the bound is the likelihood of the image's levels, and 1 stands there.

    Source: Ho et al. 2020, arXiv:2006.11239, equation 7 and section 3.2; the variance of the first
    step back is the posterior's at the second, as in its reference.

    Args:
        schedule: what `noise_schedule` returned.
        variance: of the way back, "fixed_large" (beta) or "fixed_small" (the posterior's). Defaults
            to `"fixed_large"`.

    Returns:
        float64 array, shape `(T, 7)`: the number of the step, sqrt(signal), sqrt(1 - signal),
        `of_image`, `of_state`, the posterior's variance, and that of the way back.

    Raises:
        ValueError: when the variance is not known.
    """
    beta, signal, posterior = (schedule[name] for name in ("beta", "signal", "posterior"))
    back = {"fixed_large": beta, "fixed_small": posterior}
    if variance not in back:
        raise ValueError(f"variance={variance!r}: pass 'fixed_large' or 'fixed_small'.")
    before = np.append(1.0, signal[:-1])
    of_image = np.sqrt(before) * beta / (1.0 - signal)
    of_state = np.sqrt(1.0 - beta) * (1.0 - before) / (1.0 - signal)
    first = posterior[1:2] if len(beta) > 1 else beta
    columns = [np.arange(len(beta)), signal**0.5, (1.0 - signal) ** 0.5, of_image, of_state]
    columns += [np.append(1.0, posterior[1:]), np.append(first, back[variance][1:])]
    return np.stack(columns, axis=-1)

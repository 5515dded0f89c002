"""Sampling 64 images in 50 steps of DDIM beside a loop that is written by hand in PyTorch.

Both have the same U-Net (`tests/test_diffusion.py`: equal weights give equal images). Ours
runs all steps in one compiled program. The contenders are processes of their own and asked in turn.
"""

import math
import sys

import numpy as np

from benchmarks._workers import answer, compare_steps

CONTENDERS = ("PyTorch", "ours tensorflow", "ours jax", "ours torch")
MULTIPLIERS, GROUPS = (1, 2, 2), 8


def main(
    *,
    contenders: tuple[str, ...] = CONTENDERS,
    rounds: int = 3,
    batch_size: int = 64,
    side: int = 32,
    width: int = 32,
    steps: int = 50,
):
    """Times the steps of a sampler.

    Args:
        contenders: which contenders; ratios are to PyTorch (`pip install -e ".[torch]"`).
        rounds: rounds per contender, in turn.
        batch_size: images that are drawn.
        side: of the grey images, a multiple of 4.
        width: channels of the U-Net at its first level.
        steps: steps from noise to image.
    """
    title = f"{batch_size} x {side} x {side}, {steps} steps of DDIM, width {width}"
    compare_steps("diffusion", contenders, rounds, title, batch_size, side, width, steps)


def network(side, width):
    """The U-Net of ours."""
    import keras_ae

    attend = (side // 2 ** (len(MULTIPLIERS) - 1),)
    return keras_ae.diffusion_unet((side, side, 1), width, MULTIPLIERS, 1, attend, 0.0, GROUPS)


def by_hand(torch, side, width):
    """The same U-Net in PyTorch, its parts named as those of ours.

    Args:
        torch: the module.
        side: int, of the images.
        width: int, channels of the first level.

    Returns:
        `torch.nn.Module` from images `(batch, 1, side, side)` and steps `(batch,)` to noise.
    """
    nn, lowest = torch.nn, len(MULTIPLIERS) - 1

    class UNet(nn.Module):
        def __init__(self):
            super().__init__()
            self.parts = nn.ModuleDict()
            self.conv("stem", 1, width)
            self.parts["time_1"] = nn.Linear(width, 4 * width)
            self.parts["time_2"] = nn.Linear(4 * width, 4 * width)
            now, passed = width, [width]
            for number, wide in enumerate(width * m for m in MULTIPLIERS):
                self.residual(f"down_{number}_0", now, wide)
                passed.append(wide)
                now = wide
                if number < lowest:
                    self.conv(f"down_{number}", now, now, stride=2, padding=0)
                    passed.append(now)
            self.attention(f"down_{lowest}_0", now)
            for name in ("middle_0", "middle_1"):
                self.residual(name, now, now)
            self.attention("middle", now)
            for number, wide in reversed(list(enumerate(width * m for m in MULTIPLIERS))):
                for block in range(2):
                    self.residual(f"up_{number}_{block}", now + passed.pop(), wide)
                    if number == lowest:
                        self.attention(f"up_{number}_{block}", wide)
                    now = wide
                if number:
                    self.conv(f"up_{number}", now, now)
            self.norm("last_norm", now)
            self.conv("last", now, 1)

        def conv(self, name, before, after, stride=1, padding=1):
            self.parts[name] = nn.Conv2d(before, after, 3, stride, padding)

        def norm(self, name, channels):
            self.parts[name] = nn.GroupNorm(math.gcd(GROUPS, channels), channels, eps=1e-6)

        def residual(self, name, before, after):
            self.norm(f"{name}_norm_1", before)
            self.conv(f"{name}_conv_1", before, after)
            self.parts[f"{name}_time"] = nn.Linear(4 * width, after)
            self.norm(f"{name}_norm_2", after)
            self.conv(f"{name}_conv_2", after, after)
            if before != after:
                self.parts[f"{name}_shortcut"] = nn.Linear(before, after)

        def attention(self, name, channels):
            self.norm(f"{name}_attention_norm", channels)
            for part in ("query", "key", "value", "output"):
                self.parts[f"{name}_attention_{part}"] = nn.Linear(channels, channels)

        def resolve(self, name, x, when):
            parts, silu = self.parts, nn.functional.silu
            y = parts[f"{name}_conv_1"](silu(parts[f"{name}_norm_1"](x)))
            y = y + parts[f"{name}_time"](when)[:, :, None, None]
            y = parts[f"{name}_conv_2"](silu(parts[f"{name}_norm_2"](y)))
            if f"{name}_shortcut" in parts:
                x = parts[f"{name}_shortcut"](x.movedim(1, -1)).movedim(-1, 1)
            x = x + y
            return self.attend(name, x) if f"{name}_attention_norm" in parts else x

        def attend(self, name, x):
            y = self.parts[f"{name}_attention_norm"](x).flatten(2).mT  # (batch, positions, c)
            part = lambda which, y: self.parts[f"{name}_attention_{which}"](y)
            y = nn.functional.scaled_dot_product_attention(
                part("query", y), part("key", y), part("value", y)
            )
            return x + part("output", y).mT.reshape(x.shape)

        def forward(self, x, time):
            half, silu = width // 2, nn.functional.silu
            order = torch.arange(half, device=x.device)
            rates = torch.exp(order * (-math.log(10000.0) / (half - 1)))
            angles = time[:, None] * rates
            when = torch.cat([angles.sin(), angles.cos()], dim=1)
            when = silu(self.parts["time_2"](silu(self.parts["time_1"](when))))
            x = self.parts["stem"](x)
            passed = [x]
            for number in range(lowest + 1):
                x = self.resolve(f"down_{number}_0", x, when)
                passed.append(x)
                if number < lowest:
                    x = self.parts[f"down_{number}"](nn.functional.pad(x, (0, 1, 0, 1)))
                    passed.append(x)
            x = self.attend("middle", self.resolve("middle_0", x, when))
            x = self.resolve("middle_1", x, when)
            for number in range(lowest, -1, -1):
                for block in range(2):
                    x = torch.cat([x, passed.pop()], dim=1)
                    x = self.resolve(f"up_{number}_{block}", x, when)
                if number:
                    x = nn.functional.interpolate(x, scale_factor=2)
                    x = self.parts[f"up_{number}"](x)
            return self.parts["last"](silu(self.parts["last_norm"](x)))

    return UNet()


def sample_by_hand(torch, unet, noise, steps):
    """DDIM with eta 0, the predicted image kept in [-1, 1]; T = 1000, linear betas."""
    signal = np.cumprod(1.0 - np.linspace(1e-4, 0.02, 1000))
    times = [1000 * n // steps - 1 for n in range(steps, 0, -1)]
    state = noise
    with torch.inference_mode():
        for now, later in zip(times, [*times[1:], None]):
            a, b = float(signal[now]), 1.0 if later is None else float(signal[later])
            found = unet(state, torch.full((len(state),), float(now), device=state.device))
            image = ((state - (1.0 - a) ** 0.5 * found) / a**0.5).clamp(-1.0, 1.0)
            found = (state - a**0.5 * image) / (1.0 - a) ** 0.5
            state = b**0.5 * image + (1.0 - b) ** 0.5 * found
    return state


def work(name, batch_size, side, width, steps):
    """The contender's side."""
    noise = np.random.default_rng(0).normal(size=(batch_size, side, side, 1)).astype("float32")
    if name == "PyTorch":
        import torch

        device = "cuda" if torch.cuda.is_available() else "cpu"
        unet = by_hand(torch, side, width).to(device)
        start = torch.from_numpy(noise.transpose(0, 3, 1, 2).copy()).to(device)
        weights = sum(p.numel() for p in unet.parameters())
        answer(lambda: sample_by_hand(torch, unet, start, steps).cpu(), weights=weights)
        return
    import keras_ae

    model = keras_ae.DDPM(network(side, width), average_decay=None)
    weights = model.network.count_params()
    answer(lambda: model.generate(noise, steps=steps, batch_size=batch_size), weights=weights)


if __name__ == "__main__":
    work(sys.argv[2], *map(int, sys.argv[3:]))

"""Short trainings that give the same numbers on Keras' TensorFlow and JAX backends; as a program it prints them."""

import json

import keras
import numpy as np
from keras import layers

from cnn_course import contrastive, datasets, distillation, lesson, models, robustness, training


def draw_weights(weights, spread):
    """Set weights to numbers that depend on their place alone: the backends' own draws differ."""
    draw = np.random.default_rng(0)
    for each in weights:
        each.assign(draw.normal(0, spread, each.shape))


class Losses(keras.callbacks.Callback):
    """Note the loss of each step."""

    def __init__(self):
        super().__init__()
        self.losses = []

    def on_train_batch_end(self, batch, logs=None):
        self.losses.append(float(logs["loss"]))


def fast_recipe():
    """Return answers of untrained networks, the losses of the fast recipe, and its answers by several views."""
    lesson.seed_everything(0)
    data = datasets.load("shapes10", size=300)
    recipe = training.FastRecipe(widths=(8, 16), epochs=2, small_epochs=1, batch_size=25, dtype="float32")
    networks = {
        "fast": training.fast_model(recipe, data),
        "residual": models.resnet8((32, 32, 3), 10),
        "stem": models.resnet18(width=2, stem="imagenet"),
    }
    found = {}
    for name, network in networks.items():
        draw_weights(network.trainable_weights, 0.1)
        found[name] = network.predict(data.images[:3], verbose=0).tolist()
    noted = Losses()
    training.fit_recipe(networks["fast"], recipe, data, callbacks=[noted])
    views = training.predict_with_views(networks["fast"], data.images[:3], views=6)
    return {**found, "losses": noted.losses, "views": views.shape}


def distilled():
    """Return the losses of a student, whether its teacher has stayed as it was, and the number of arrays trained."""
    data = datasets.load("shapes10", size=200)
    student, teacher = (models.averaging_cnn((32, 32, 3), stages=((width,), (width,))) for width in (4, 16))
    draw_weights([*student.trainable_weights, *teacher.trainable_weights], 0.3)
    before = teacher.get_weights()
    distiller = distillation.Distiller(student, teacher, temperature=3.0)
    loss = training.SmoothedCrossentropy(0.0)
    distiller.compile(keras.optimizers.SGD(0.01), loss, jit_compile=training.JIT_COMPILE)
    noted, images = Losses(), data.images.astype("float32")
    distiller.fit(images, data.labels, batch_size=50, epochs=2, shuffle=False, verbose=0, callbacks=[noted])
    same = all(np.array_equal(now, then) for now, then in zip(teacher.get_weights(), before, strict=True))
    return {"losses": noted.losses, "same": same, "weights": len(distiller.weights)}


def contrasted():
    """Return the losses of SimCLR on pairs of random images."""
    pairs = np.random.default_rng(0).integers(0, 256, (8, 2, 6, 6, 3)).astype("float32")
    encoder = keras.Sequential([keras.Input((6, 6, 3)), layers.Rescaling(1 / 255), layers.Flatten(), layers.Dense(12)])
    model = contrastive.SimCLR(encoder, keras.Sequential([keras.Input((12,)), layers.Dense(4)]))
    draw_weights(model.weights, 0.3)
    model.compile(keras.optimizers.SGD(0.1))
    return {"losses": model.fit(pairs, batch_size=8, epochs=5, shuffle=False, verbose=0).history["loss"]}


def attacked():
    """Return the losses of adversarial training, how far PGD moves pixels, and gradients before and after a change."""
    rng = np.random.default_rng(0)
    images, labels = rng.integers(0, 256, (8, 6, 6, 3)).astype("float32"), rng.integers(0, 4, 8)
    model = keras.Sequential(
        [keras.Input((6, 6, 3)), layers.Rescaling(1 / 255), layers.Conv2D(4, 3), layers.Flatten(), layers.Dense(4)]
    )
    draw_weights(model.weights, 0.3)
    trainer = robustness.AdversarialTrainer(model, start=0.0)
    trainer.compile(keras.optimizers.SGD(0.1), keras.losses.SparseCategoricalCrossentropy(from_logits=True))
    fitted = trainer.fit((images, labels), labels, batch_size=8, epochs=4, shuffle=False, verbose=0)
    moved = robustness.pgd(model, images, labels, steps=3)
    gradient = robustness.input_gradient(model)
    of_pixels_as_stored = gradient(images.astype("uint8"), labels)
    kernel = model.layers[-1].kernel
    kernel.assign(np.zeros(kernel.shape))
    behind_zeros = gradient(images, labels)
    return {
        "losses": fitted.history["loss"],
        "moved": float(np.abs(moved - images).mean()),
        "gradient": float(np.abs(of_pixels_as_stored).max()),
        "gradient behind zeros": float(np.abs(behind_zeros).max()),
    }


PROGRAMS = {program.__name__: program for program in (fast_recipe, distilled, contrasted, attacked)}


def run_all():
    """Return what each program returns, as it comes back from JSON, and the name of the backend."""
    found = {name: program() for name, program in PROGRAMS.items()}
    return json.loads(json.dumps({"backend": keras.backend.backend(), **found}))


if __name__ == "__main__":
    print(json.dumps(run_all()))

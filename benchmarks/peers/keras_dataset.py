"""Keras' own way: image_dataset_from_directory and model.evaluate. Prints the accuracy."""

import sys

from tensorflow import keras

folder, model_file = sys.argv[1], sys.argv[2]
model = keras.models.load_model(model_file)
images = keras.utils.image_dataset_from_directory(
    folder,
    class_names=[str(digit) for digit in range(10)],
    color_mode="grayscale",
    image_size=(28, 28),
    batch_size=32,
    shuffle=False,
    verbose=False,
).map(lambda image, label: (image / 255, label))
model.compile(loss="sparse_categorical_crossentropy", metrics=["accuracy"])
print(model.evaluate(images, verbose=0)[1])

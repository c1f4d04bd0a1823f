"""The usual script: read each image with OpenCV, predict it alone, count. Prints the accuracy."""

import sys
from pathlib import Path

import cv2
import numpy as np
from tensorflow import keras

folder, model_file = Path(sys.argv[1]), sys.argv[2]
model = keras.models.load_model(model_file)
correct = total = 0
for path in sorted(folder.rglob("*.*")):
    image = cv2.imread(str(path), cv2.IMREAD_GRAYSCALE)
    if image.shape != (28, 28):
        image = cv2.resize(image, (28, 28), interpolation=cv2.INTER_AREA)
    scores = model.predict(image.reshape(1, 28, 28, 1).astype("float32") / 255, verbose=0)
    correct += int(np.argmax(scores)) == int(path.parent.name)
    total += 1
print(correct / total)

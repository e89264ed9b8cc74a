"""What each variant of the study changes, and the network parts that only they use.

The name of a variant is made from its settings (`variant.py`), in this order:

    placement-table[-balanced][-weights][-change]

- **placement**: `published` as the MSRA generator pastes targets, `centered` on the nearest
  cell, `subcell` at the joint's exact place, decoded by fitting each joint's Gaussian.
- **table**: `uniform2` one sigma of 2 heatmap cells for all joints; `set1`, `set2` the
  paper's; `oks2.5` proportional to the OKS sigmas with a mean of 2.5, `sqrtoks2` to their
  square roots; `oks2.5max2.5` the first cut at 2.5; `errors2.5` proportional to a first
  model's median errors; `face1-rest2` 1 for nose and eyes, 2 for all other joints.
- **balanced**: each joint's loss is weighted by 1 / sigma^2 (the codec's
  `balance_weights`).
- **weights**: `jw` MMPose's joint weights (elbows and knees 1.2, wrists and ankles 1.5) on
  top, `jw2` their squares; `weights-TABLE` the weights that the balanced TABLE has;
  `inversesigma` weights 1 / sigma.
- **change**: `block` the Gaussian Mixture Block before the transposed convolutions,
  `block-after` behind them, `block-fixed`, `block-average` and `block-single` with fixed
  sigmas, a plain average or one component; `learned` sigmas learned with the network;
  `swahr` SWAHR's scale maps and weight-adaptive loss, `wahr` the loss alone; `annealed`
  sigmas from twice the table to the table; `lr0.002` another learning rate; `eoks0.001`
  and `poks0.001` an OKS loss on top, `eoks-alone` in place of the squared error;
  `softmax-lr0.001` softmax and cross-entropy; `foot0.4x2` a wider Gaussian below the
  target; `two-maps2` a narrow and a wide map for each joint; `person` sigmas that grow
  with the person's size in the crop. `losses/` has the losses: none of them won.

So `subcell-face1-rest2-balanced-jw2` has sub-cell targets with sigma 1 for nose and eyes,
2 for the rest, a balanced loss, and the squares of MMPose's joint weights. Names of earlier
versions are in `former_names.py`.
"""

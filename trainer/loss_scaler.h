/* Dynamic loss scaling: small gradients are lifted out of half precision's underflow by a factor on
 * the loss that is as large as it can be without overflow. The steps are those of PyTorch's
 * torch.amp.GradScaler (aten/src/ATen/native/cuda/AmpKernels.cu, _amp_update_scale_), whose factors
 * 2 and .5 are fixed here; the lower bound is DeepSpeed's min_loss_scale. */
#ifndef TW_LOSS_SCALER_H
#define TW_LOSS_SCALER_H

#include <stdbool.h>
#include <stdint.h>

struct tw_loss_scaler {
    double scale;     /* 0: no scaling */
    uint64_t window;  /* clean steps in a row before the scale doubles */
    double min_scale; /* it does not fall below; 0: no bound */
    uint64_t n_clean; /* clean steps since it last changed */
};

bool tw_loss_scaler_is_on(const struct tw_loss_scaler *scaler);
/* After each step: halves the scale when its gradients were not finite, else counts towards the
 * next doubling. A scale that would become infinite stays as it is. */
void tw_loss_scaler_update(struct tw_loss_scaler *scaler, bool has_overflowed);

#endif

#include "sources/logs/row_names.h"

#include "sources/logs/names.h"

#include <math.h>
#include <strings.h>

static void note(struct tw_row_names *names, const char *name, enum tw_meaning meaning)
{
    switch (meaning) {
    case TW_MEANS_STEP:
    case TW_MEANS_EPOCH:
        names->has_axis = true;
        break;
    case TW_MEANS_LOSS:
    case TW_MEANS_LOSS_PART:
    case TW_MEANS_TRAIN_LOSS:
    case TW_MEANS_EVAL_LOSS:
        /* Sales have a cost, too: it needs steps or epochs beside it. */
        if (strcasecmp(name, "cost"))
            names->has_loss = true;
        names->has_eval_loss |= meaning == TW_MEANS_EVAL_LOSS;
        names->has_metric = true;
        break;
    case TW_MEANS_PERPLEXITY:
    case TW_MEANS_EVAL_METRIC:
    case TW_MEANS_GRAD_NORM:
    case TW_MEANS_LEARNING_RATE:
        names->has_metric = true;
        break;
    default:
        break;
    }
}

void tw_row_names_add(struct tw_row_names *names, const char *name, enum tw_row_part part)
{
    struct tw_name_meaning meaning;
    tw_log_name_meaning(name, part, names->map, &meaning);
    note(names, name, meaning.meaning);
}

void tw_row_names_see(struct tw_row_names *names, const struct tw_row *row)
{
    names->has_axis |= !isnan(row->step) || !isnan(row->epoch);
    for (size_t i = 0; i < row->n_cells; i++) {
        const struct tw_cell *cell = &row->cells[i];
        if (cell->meaning == TW_MEANS_BY_NAME)
            tw_row_names_add(names, cell->name, row->part);
        else
            note(names, cell->name, cell->meaning);
    }
}

int tw_row_names_sure(const struct tw_row_names *names)
{
    if (names->has_loss)
        return names->has_axis ? TW_SURE_MOST : 45;
    return names->has_axis && names->has_metric ? 40 : TW_SURE_LEAST;
}

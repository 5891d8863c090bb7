"""Who proposes policies: Gaussian process, TPE, CMA-ES."""

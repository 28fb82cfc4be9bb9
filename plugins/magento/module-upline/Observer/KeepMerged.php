<?php

declare(strict_types=1);

namespace Upline\Commission\Observer;

use Magento\Framework\Event\Observer;
use Magento\Framework\Event\ObserverInterface;
use Upline\Commission\Model\References;
use Upline\Commission\Model\Watch;

/**
 * Takes the references of a guest's cart along when it is merged into the customer's: headless shops set them for the
 * cart alone, and no cookie has them.
 */
class KeepMerged implements ObserverInterface
{
    /**
     * @param Watch $watch
     * @param References $references
     */
    public function __construct(
        private readonly Watch $watch,
        private readonly References $references
    ) {
    }

    /**
     * @inheritDoc
     */
    public function execute(Observer $observer): void
    {
        $this->watch->quietly(fn () => $this->references->merged(
            (int) $observer->getData('quote')->getId(),
            (int) $observer->getData('source')->getId()
        ));
    }
}

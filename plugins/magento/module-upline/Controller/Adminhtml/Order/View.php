<?php

declare(strict_types=1);

namespace Upline\Commission\Controller\Adminhtml\Order;

use Magento\Backend\App\Action;
use Magento\Framework\App\Action\HttpGetActionInterface;
use Magento\Framework\App\Action\HttpPostActionInterface;
use Magento\Framework\Controller\ResultFactory;
use Magento\Framework\Controller\ResultInterface;
use Upline\Commission\Block\Adminhtml\Order\Explanation;

/**
 * What is in the tab of an order: it changes nothing. Magento's tabs load by POST.
 */
class View extends Action implements HttpGetActionInterface, HttpPostActionInterface
{
    public const ADMIN_RESOURCE = 'Upline_Commission::view';

    /**
     * @inheritDoc
     */
    public function execute(): ResultInterface
    {
        $layout = $this->resultFactory->create(ResultFactory::TYPE_LAYOUT);
        $block = $layout->getLayout()->createBlock(Explanation::class);
        return $this->resultFactory->create(ResultFactory::TYPE_RAW)->setContents($block->toHtml());
    }
}

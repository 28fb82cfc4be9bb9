<?php

declare(strict_types=1);

namespace Upline\Commission\Controller\Adminhtml\Delivery;

use Magento\Backend\App\Action;
use Magento\Backend\Model\View\Result\Page;
use Magento\Framework\App\Action\HttpGetActionInterface;
use Magento\Framework\Controller\ResultFactory;
use Magento\Framework\Controller\ResultInterface;

/**
 * The grid of deliveries.
 */
class Index extends Action implements HttpGetActionInterface
{
    public const ADMIN_RESOURCE = 'Upline_Commission::view';

    /**
     * @inheritDoc
     */
    public function execute(): ResultInterface
    {
        /** @var Page $page */
        $page = $this->resultFactory->create(ResultFactory::TYPE_PAGE);
        $page->setActiveMenu('Upline_Commission::deliveries');
        $page->getConfig()->getTitle()->prepend((string) __('Upline deliveries'));
        return $page;
    }
}
